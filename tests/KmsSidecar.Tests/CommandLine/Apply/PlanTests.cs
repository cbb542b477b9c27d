using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using KmsSidecar.Access.Policies;
using KmsSidecar.CommandLine;
using KmsSidecar.CommandLine.Apply;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.Crypto;
using Xunit;

namespace KmsSidecar.Tests.CommandLine.Apply;

/// <summary>From what is wanted and what there is to the requests between them.</summary>
public sealed class PlanTests
{
    private static readonly DesiredKey Key = new("app", "d", ImmutableSortedDictionary<string, string>.Empty.Add("a", "b"), "Enabled");

    [Theory]
    [InlineData("""{"key_id":"app","key_state":"Enabled","description":"d","tags":{"a":"b","other":"stays"}}""")]
    [InlineData("""{"key_id":"app","key_state":"Disabled","description":"d","tags":{"a":"b"}}""", """POST keys/enable {"key_id":"app"}""")]
    [InlineData(
        """{"key_id":"app","key_state":"PendingDeletion","description":"d","tags":{"a":"b"}}""",
        """POST keys/cancel-deletion {"key_id":"app"}""",
        """POST keys/enable {"key_id":"app"}""")]
    [InlineData(
        """{"key_id":"app","key_state":"Enabled","description":null,"tags":{"a":"c"}}""",
        """POST keys/update-description {"key_id":"app","description":"d"}""",
        """POST keys/tag {"key_id":"app","tags":{"a":"b"}}""")]
    [InlineData("", """POST keys {"key_name":"app","description":"d","tags":{"a":"b"}}""")]
    [InlineData("""{"key_id":"found-by-alias","key_state":"Enabled"}""", """POST keys {"key_name":"app","description":"d","tags":{"a":"b"}}""")]
    public void Key_BecomesAsItIsWanted(string actual, params string[] requests) => Assert.Equal(requests, Requests(KeyPlan.Of(Key, Parse(actual))));

    [Fact]
    public void ANewKey_IsDisabledAfterItIsMade() => Assert.Equal(
        ["""POST keys {"key_name":"k"}""", """POST keys/disable {"key_id":"k"}"""],
        Requests(KeyPlan.Of(new DesiredKey("k", null, ImmutableSortedDictionary<string, string>.Empty, "Disabled"), default)));

    [Fact]
    public void WhatTheFileDoesNotSayOfAKey_Stays() => Assert.Empty(KeyPlan.Of(
        new DesiredKey("k", null, ImmutableSortedDictionary<string, string>.Empty, null),
        Parse("""{"key_id":"k","key_state":"PendingDeletion","description":"x","tags":{"a":"b"}}""")));

    [Theory]
    [InlineData("""{"Statement":{"Effect":"Allow","Action":"kms:*"}}""")]
    [InlineData("""{"Version":"2012-10-17","Statement":[{"Action":["kms:*"],"Effect":"Allow"}]}""")]
    [InlineData("""{"Statement":{"Effect":"Deny","Action":"kms:*"}}""", "replaced")]
    [InlineData("", "created")]
    public void Policy_IsComparedByWhatItSays(string actual, params string[] done)
    {
        DesiredPolicy desired = new("a/b", PolicyText.Of(PolicyDocument.Parse("""{"Statement":{"Effect":"Allow","Action":"kms:*"}}"""u8)));

        IReadOnlyList<Step> steps = PolicyPlan.Of(desired, Parse(actual));

        Assert.Equal(done, steps.Select(static step => step.Done));
        Assert.All(Requests(steps), request => Assert.Equal($"PUT policies/a%2Fb {desired.Document}", request));
    }

    [Theory]
    [InlineData("""{"access_key":"ann","status":"enabled","policies":["q","p"]}""")]
    [InlineData("""{"access_key":"ann","status":"disabled","policies":["p","q"]}""", """POST users/update {"access_key":"ann","status":"enabled"}""")]
    [InlineData("""{"access_key":"ann","status":"enabled","policies":["p"]}""", """POST users/update {"access_key":"ann","policies":["p","q"]}""")]
    [InlineData("", """POST users {"access_key":"ann","status":"enabled","policies":["p","q"],"secret_key":"hush"}""")]
    public void User_BecomesAsItIsWanted(string actual, params string[] requests)
    {
        using SecretBuffer secret = new();
        Encoding.UTF8.GetBytes("hush", secret);

        Assert.Equal(requests, Requests(UserPlan.Of(new DesiredUser("ann", "enabled", ["p", "q"], secret), Parse(actual))));
    }

    [Fact]
    public void AUserWithoutASecret_IsNotMade() => Assert.Equal(
        ExitCode.Refused, Assert.Throws<CommandFault>(() => UserPlan.Of(new DesiredUser("ann", null, null, null), default)).ExitCode);

    private static JsonElement Parse(string json) => json.Length == 0 ? default : JsonElement.Parse(json);

    private static string[] Requests(IEnumerable<Step> steps) => [.. steps.Select(static step =>
    {
        using SecretBuffer body = AdminRequest.WriteBody(step.Body);
        return $"{step.Method} {step.Route} {Encoding.UTF8.GetString(body.WrittenSpan)}";
    })];
}
