using System.Text;
using System.Text.Json;
using KmsSidecar.CommandLine;
using KmsSidecar.CommandLine.Apply;
using KmsSidecar.CommandLine.Client;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.CommandLine.Apply;

/// <summary>The order of what is asked, and what becomes of faults, with a daemon that answers from a list.</summary>
public sealed class ApplyRunTests : IDisposable
{
    private const string Unchanged = """{"changes":{"master_key":{"before":"[redacted]","after":"[redacted]","changed":false}}}""";
    private const string Changed = """{"backend":"kept","changes":{"cache_ttl_seconds":{"before":300,"after":900,"changed":true}}}""";
    private const string Local = """{"backend_type":"local","key_dir":"/k","default_key_id":"new"}""";

    private readonly FakeTimeProvider _clock = new() { AutoAdvanceAmount = TimeSpan.FromMilliseconds(1) };
    private readonly StringWriter _output = new();
    private readonly Queue<(string Request, object Answer)> _answers = [];

    [Fact]
    public async Task WhatIsAsWanted_IsLeftAlone()
    {
        Answers(("GET status", """{"status":"Running"}"""), ("POST reconfigure?dry_run=true", Unchanged), ("GET status", """{"status":"Running"}"""));

        await RunAsync(Local);

        Assert.Equal("no change\n", _output.ToString());
    }

    [Fact]
    public async Task AFirstConfiguration_IsConfiguredAndStarted()
    {
        Answers(
            ("GET status", """{"status":"NotConfigured"}"""),
            ("POST configure?dry_run=true", Changed),
            ("POST configure", "{}"),
            ("GET status", """{"status":"Configured"}"""),
            ("POST start", "{}"));

        await RunAsync(Local);

        Assert.Equal("configuration: configured (cache_ttl_seconds 300 -> 900)\nservice: started\n", _output.ToString());
    }

    [Fact]
    public async Task ANewDefaultKeyOfARunningService_IsMadeBeforeItIsNamed()
    {
        Answers(
            ("GET status", """{"status":"Running"}"""),
            ("POST reconfigure?dry_run=true", Fault("KeyNotFound")),
            ("GET status", """{"status":"Running","default_key_id":"old"}"""),
            ("POST reconfigure?dry_run=true", Changed),
            ("GET keys/new", Fault("KeyNotFound")),
            ("POST keys", "{}"),
            ("POST reconfigure", "{}"),
            ("GET status", """{"status":"Running"}"""),
            ("GET keys/new", """{"key_metadata":{"key_id":"new","key_state":"Enabled"}}"""));

        await RunAsync($$"""{"configuration":{{Local}},"keys":[{"key_id":"new"}]}""");

        Assert.Equal("key new: created\nconfiguration: changed (default_key_id old -> new, cache_ttl_seconds 300 -> 900)\n", _output.ToString());
    }

    [Fact]
    public async Task ANewDefaultKeyInAnotherBackend_IsNotMadeInTheFormerOne()
    {
        Answers(
            ("GET status", """{"status":"Running"}"""),
            ("POST reconfigure?dry_run=true", Fault("KeyNotFound")),
            ("GET status", """{"status":"Running","default_key_id":"old"}"""),
            ("POST reconfigure?dry_run=true", """{"backend":"replaced","changes":{}}"""));

        CommandFault fault = await Assert.ThrowsAsync<CommandFault>(() => RunAsync($$"""{"configuration":{{Local}},"keys":[{"key_id":"new"}]}"""));

        Assert.Equal("KeyNotFound", fault.Code);
    }

    [Fact]
    public async Task AFirstStart_DoesWithoutADefaultKeyUntilItIsMade()
    {
        Answers(
            ("GET status", """{"status":"Configured"}"""),
            ("POST reconfigure?dry_run=true", Unchanged),
            ("GET status", """{"status":"Configured"}"""),
            ("POST start", Fault("KeyNotFound")),
            ("POST reconfigure", "{}"),
            ("POST start", "{}"),
            ("GET keys/new", Fault("KeyNotFound")),
            ("POST keys", "{}"),
            ("POST reconfigure", "{}"),
            ("GET keys/new", """{"key_metadata":{"key_id":"new","key_state":"Enabled"}}"""));

        await RunAsync($$"""{"configuration":{{Local}},"keys":[{"key_id":"new"}]}""");

        Assert.Equal("service: started\nkey new: created\n", _output.ToString());
    }

    [Fact]
    public async Task ARehearsal_OnlyLooks()
    {
        Answers(
            ("GET status", """{"status":"NotConfigured"}"""),
            ("POST configure?dry_run=true", Changed),
            ("GET status", """{"status":"NotConfigured"}"""));

        await RunAsync($$"""{"configuration":{{Local}},"keys":[{"key_id":"new"}]}""", rehearsal: true);

        Assert.Equal(
            "configuration: would be configured (cache_ttl_seconds 300 -> 900)\nservice: would be started\nkeys (1 in the file): what they need is known once the service runs\n",
            _output.ToString());
    }

    [Fact]
    public async Task WhenSomeoneElseWasQuicker_ItLooksAgain()
    {
        Answers(
            ("GET status", """{"status":"Configured"}"""),
            ("POST start", Fault("WrongState")),
            ("GET status", """{"status":"Running"}"""));

        await RunAsync("""{"state":"Running"}""");

        Assert.Equal("no change\n", _output.ToString());
    }

    [Fact]
    public async Task AConflictThatStays_EndsIt()
    {
        Answers([.. Enumerable.Repeat<(string, object)[]>([("GET status", """{"status":"Configured"}"""), ("POST start", Fault("WrongState"))], 5).SelectMany(static pair => pair)]);

        Assert.Equal("WrongState", (await Assert.ThrowsAsync<CommandFault>(() => RunAsync("""{"state":"Running"}"""))).Code);
    }

    [Fact]
    public async Task AFault_SaysWhatIsNotDone()
    {
        Answers(
            ("GET status", """{"status":"Running"}"""),
            ("GET keys/a", """{"key_metadata":{"key_id":"a","key_state":"Enabled"}}"""),
            ("GET keys/b", Fault("InvalidKeyId")));
        ApplyReport report = new(isRehearsal: false, _output);

        CommandFault fault = await Assert.ThrowsAsync<CommandFault>(
            () => RunAsync("""{"keys":[{"key_id":"a"},{"key_id":"b"}],"users":[{"access_key":"ann"}]}""", report, TimeSpan.Zero));

        Assert.StartsWith("key b: InvalidKeyId; not done: key b, user ann; ", report.Explain(fault).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatMayPass_IsWaitedFor()
    {
        Answers(
            ("GET status", new CommandFault(ExitCode.Unavailable, "nobody there")),
            ("GET status", """{"status":"Configured"}"""),
            ("POST start", Fault("BackendUnavailable")),
            ("POST start", "{}"));

        Task run = RunAsync("""{"state":"Running"}""", new ApplyReport(isRehearsal: false, _output), TimeSpan.FromSeconds(60));
        while (!run.IsCompleted)
        {
            _clock.Advance(Patience.Pause);
            await Task.Yield();
        }

        await run;
        Assert.Equal("service: started\n", _output.ToString());
    }

    [Fact]
    public async Task WhatDoesNotPass_IsNot()
    {
        Answers(("GET status", Fault("Forbidden")));

        await Assert.ThrowsAsync<CommandFault>(
            () => RunAsync("""{"state":"Running"}""", new ApplyReport(isRehearsal: false, _output), TimeSpan.FromSeconds(60)));
    }

    public void Dispose() => _output.Dispose();

    private static CommandFault Fault(string code) => new(ExitCode.Refused, code) { Code = code };

    private void Answers(params (string Request, object Answer)[] answers) => Array.ForEach(answers, _answers.Enqueue);

    private Task RunAsync(string json, bool rehearsal = false) => RunAsync(json, new ApplyReport(rehearsal, _output), TimeSpan.Zero);

    private async Task RunAsync(string json, ApplyReport report, TimeSpan wait)
    {
        using DesiredState desired = new DesiredStateReader(static _ => throw new InvalidOperationException()).Read(Encoding.UTF8.GetBytes(json));
        Patience patience = new(wait, _clock, static _ => { });
        await new ApplyRun(new PatientDaemon(AnswerAsync, patience), report).RunAsync(desired, TestContext.Current.CancellationToken);
        report.Finish();
        Assert.Empty(_answers);
    }

    private Task<JsonElement> AnswerAsync(HttpMethod method, string route, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        (string request, object answer) = _answers.Dequeue();
        Assert.Equal(request, $"{method} {route}");
        return answer is CommandFault fault ? throw fault : Task.FromResult(JsonElement.Parse((string)answer));
    }
}
