using System.Text;
using System.Text.Json;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.CommandLine.Doctor;
using Xunit;

namespace KmsSidecar.Tests.CommandLine.Doctor;

/// <summary>What a daemon says of itself, and what doctor makes of it.</summary>
public sealed class ServiceJudgementTests
{
    [Theory]
    [InlineData("""{"status":"Running","backend_type":"local","generation":3}""", "Ok", null)]
    [InlineData("""{"status":"NotConfigured","generation":0}""", "Warning", "kms-sidecar configure")]
    [InlineData("""{"status":"Configured","generation":2}""", "Warning", "kms-sidecar start")]
    [InlineData("""{"status":"Error","error":"Vault is away","generation":2}""", "Fault", "kms-sidecar start --force")]
    [InlineData("{}", "Fault", "kms-sidecar start --force")]
    public void State(string status, string verdict, string? mend)
    {
        Finding finding = ServiceLooks.JudgeState(JsonElement.Parse(status));
        Assert.Equal((verdict, mend), (finding.Verdict.ToString(), finding.Mend));
    }

    [Theory]
    [InlineData("""{"remote":{"server":"v","authenticated":true,"breaker":"closed"}}""", "Ok", "Ok")]
    [InlineData("""{"remote":{"server":"v","authenticated":false,"last_error":"denied","breaker":"closed"}}""", "Fault", "Ok")]
    [InlineData("""{"remote":{"server":"v","authenticated":true,"last_error":"denied","breaker":"open"}}""", "Warning", "Fault")]
    [InlineData("""{"remote":{"server":"v","authenticated":true,"token_seconds_left":60,"token_renewable":false,"breaker":"closed"}}""", "Warning", "Ok")]
    [InlineData("""{"remote":{"server":"v","authenticated":true,"token_seconds_left":60,"token_renewable":true,"breaker":"closed"}}""", "Ok", "Ok")]
    public void Server(string status, string credentials, string server) =>
        Assert.Equal([credentials, server], ServiceLooks.JudgeServer("vault", JsonElement.Parse(status)).Select(static finding => finding.Verdict.ToString()));

    [Fact]
    public void ABackendOnThisNode_HasNoServer() => Assert.Empty(ServiceLooks.JudgeServer("vault", JsonElement.Parse("{}")));

    [Fact]
    public void AKeyThatCannotBeRead_IsNamed()
    {
        Finding? finding = ServiceLooks.JudgeKeys(JsonElement.Parse("""{"unreadable_keys":[{"name":"objects\u001b[2J","reason":"its file is torn"}]}"""));
        Assert.Equal((Verdict.Warning, "1 cannot be read, the first one is objects [2J: its file is torn"), (finding?.Verdict, finding?.Sentence));
    }

    [Theory]
    [InlineData("up 1\n", null)]
    [InlineData("kms_sidecar_audit_lag_seconds 0\nkms_sidecar_audit_failing 0\n", "Ok")]
    [InlineData("kms_sidecar_audit_lag_seconds 0\nkms_sidecar_audit_failing 1\n", "Fault")]
    [InlineData("kms_sidecar_audit_lag_seconds 0\nkms_sidecar_audit_lost_total 3\n", "Warning")]
    public void Audit(string metrics, string? verdict) =>
        Assert.Equal(verdict, ServiceLooks.JudgeAudit(MetricsReader.Read(Encoding.UTF8.GetBytes(metrics)))?.Verdict.ToString());

    [Fact]
    public void WhatIsWrong_AndTheMend_AreTwoThings()
    {
        Finding finding = Finding.FaultOf("x", "it is gone\nfor good; bring it back; soon", 66);

        Assert.Equal(("it is gone for good", "bring it back; soon", 66), (finding.Sentence, finding.Mend, finding.ExitCode));
        Assert.Equal("it is gone for good; bring it back; soon", finding.ToString());
    }

    [Fact]
    public async Task ALookThatFails_KeepsNoOtherFromBeingMade()
    {
        Findings findings = new(isOutsider: true);
        await findings.LookAsync("closed", static () => throw new UnauthorizedAccessException("closed"));
        await findings.LookAsync("broken", static () => throw new IOException("broken"));
        await findings.LookAsync("good", static () => Finding.Ok("good", "good"));
        await findings.LookAsync("nothing", static () => null);

        Assert.Equal([Verdict.Skipped, Verdict.Fault, Verdict.Ok], findings.All.Select(static found => found.Finding.Verdict));
        Assert.Equal(74, findings.ExitCode);
    }
}
