using KmsSidecar.Vault;
using Xunit;

namespace KmsSidecar.Tests.Vault;

/// <summary>How often a call is sent, and when it is not sent again.</summary>
public sealed class RetryTests
{
    [Theory]
    [InlineData(429, 3)]
    [InlineData(500, 3)]
    [InlineData(502, 3)]
    [InlineData(503, 3)]
    [InlineData(504, 3)]
    [InlineData(400, 1)]
    [InlineData(404, 1)]
    [InlineData(412, 1)]
    [InlineData(307, 1)]
    public async Task SafeCall_IsRepeated_WhereItMayGoOtherwise(int status, int times)
    {
        await using ScriptedServer server = new(_ => ScriptedServer.Errors(status, "x"));
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(server.Address);

        using VaultAnswer answer = await test.SendPassingTimeAsync();

        Assert.Equal(status, answer.Status);
        Assert.Equal(times, server.Requests.Count);
        Assert.Equal(times - 1, test.Client.Status.Retries);
    }

    [Fact]
    public async Task RepeatedCall_Succeeds()
    {
        int asked = 0;
        await using ScriptedServer server = new(_ => ++asked < 3 ? ScriptedServer.Errors(500, "x") : ScriptedServer.Reply(200, """{"data":1}"""));
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(server.Address);

        using VaultAnswer answer = await test.SendPassingTimeAsync(ClientUnderTest.Call("a", HttpMethod.Post, body: """{"x":1}"""));

        Assert.Equal(VaultFault.None, answer.Fault);
        Assert.All(server.Requests, static request => Assert.Equal("""{"x":1}""", request.Body));
    }

    [Theory]
    [InlineData("GET", "")]
    [InlineData("POST", "")]
    [InlineData("POST", "{}")]
    [InlineData("DELETE", "")]
    public async Task CallThatMayNotBeRepeated_IsSentOnce_AlsoOnAKeptConnection(string method, string body)
    {
        await using ScriptedServer server = new(static _ => ScriptedServer.Reply(200, "{}"));
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(server.Address);
        using VaultAnswer before = await test.SendAsync();
        server.Answer = static _ => ScriptedServer.Cut("");

        using VaultAnswer answer = await test.SendPassingTimeAsync(ClientUnderTest.Call("once", new HttpMethod(method), VaultRepeat.Never, body));

        Assert.Equal(VaultFault.Unreachable, answer.Fault);
        Assert.Single(server.Requests, static request => request.Path == "/v1/once");
    }

    [Theory]
    [InlineData(500)]
    [InlineData(503)]
    public async Task CallThatMayNotBeRepeated_IsSentOnce_WhateverIsAnswered(int status)
    {
        await using ScriptedServer server = new(_ => ScriptedServer.Errors(status, "x"));
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(server.Address);

        using VaultAnswer answer = await test.SendPassingTimeAsync(ClientUnderTest.Call("once", HttpMethod.Post, VaultRepeat.Never));

        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task CallThatMayNotBeRepeated_IsTriedAgain_WhileThereIsNoConnection()
    {
        ScriptedServer server = new(static _ => ScriptedServer.Raw("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"));
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(server.Address);
        using (VaultAnswer last = await test.SendAsync())
        {
            await server.DisposeAsync();
        }

        long before = test.Client.Status.Attempts;
        using VaultAnswer answer = await test.SendPassingTimeAsync(ClientUnderTest.Call("once", HttpMethod.Post, VaultRepeat.Never));

        Assert.Equal(VaultFault.Unreachable, answer.Fault);
        Assert.Equal(3, test.Client.Status.Attempts - before);
    }

    [Theory]
    [InlineData("1", 3, 2.0)]
    [InlineData("60", 1, 0.0)]
    public async Task RetryAfter_IsRespected_WhereItIsShort(string seconds, int times, double atLeast)
    {
        await using ScriptedServer server = new(_ => ScriptedServer.Errors(429, "x", $"Retry-After: {seconds}\r\n"));
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(server.Address);
        DateTimeOffset start = test.Clock.GetUtcNow();

        using VaultAnswer answer = await test.SendPassingTimeAsync();

        Assert.Equal(VaultFault.RateLimited, answer.Fault);
        Assert.Equal(times, server.Requests.Count);
        Assert.True(test.Clock.GetUtcNow() - start >= TimeSpan.FromSeconds(atLeast));
    }

    [Theory]
    [InlineData(1, 50, 100)]
    [InlineData(2, 100, 200)]
    [InlineData(5, 800, 1600)]
    [InlineData(6, 1000, 2000)]
    [InlineData(60, 1000, 2000)]
    public void Pause_IsBetweenHalfAndWholeOfItsCap(int failures, double least, double most)
    {
        for (int i = 0; i < 100; i++)
        {
            Assert.InRange(VaultPolicy.PauseAfter(failures).TotalMilliseconds, least, most);
        }
    }

    [Fact]
    public void Deadline_IsRustFss() => Assert.Equal(90.3, VaultPolicy.DeadlineOf(TimeSpan.FromSeconds(30), 3).TotalSeconds, 6);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Cancellation_EndsTheCall_InItsAttemptAndInItsPause(bool inPause)
    {
        await using ScriptedServer server = new(_ => inPause ? ScriptedServer.Errors(500, "x") : ScriptedServer.Hang);
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(server.Address);
        using CancellationTokenSource cancellation = new();

        Task<VaultAnswer> sending = test.Client.SendAsync(ClientUnderTest.Call("a"), cancellation.Token).AsTask();
        await test.UntilAsync(() => server.Requests.Count == 1 && (!inPause || test.Client.Status.Failures.Any(static one => one.Count > 0)));
        await cancellation.CancelAsync();

        OperationCanceledException cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        Assert.Equal(cancellation.Token, cancelled.CancellationToken);
        Assert.Equal(0, test.Client.Status.InFlight);
    }
}
