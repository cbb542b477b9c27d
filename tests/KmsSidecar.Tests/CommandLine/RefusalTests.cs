using System.Text;
using KmsSidecar.CommandLine;
using KmsSidecar.CommandLine.Client;
using Xunit;

namespace KmsSidecar.Tests.CommandLine;

public sealed class RefusalTests
{
    [Theory]
    [InlineData(503, "NotRunning", "kms service is not running", ExitCode.Unavailable, "kms-sidecar start")]
    [InlineData(404, "KeyNotFound", "key not found", ExitCode.Refused, "kms-sidecar keys list")]
    [InlineData(400, "InvalidConfiguration", "key_dir is missing", ExitCode.Refused, null)]
    [InlineData(502, "BackendRejected", "no", ExitCode.Unavailable, null)]
    [InlineData(403, "Forbidden", "no", ExitCode.NoPermission, null)]
    public void TheDaemonsSentence_HasAnExitCodeAndTheNextCommand(int status, string code, string message, int exitCode, string? next)
    {
        CommandFault fault = Of(status, "application/json", $$"""{"success":false,"message":"{{message}}","code":"{{code}}"}""");

        Assert.Equal((exitCode, message, next, code), (fault.ExitCode, fault.Message, fault.Next, fault.Code));
    }

    [Theory]
    [InlineData("the service is already running; {\\\"force\\\":true} rebuilds it", "the service is already running; --force rebuilds it")]
    [InlineData("POST /rustfs/admin/v3/kms/configure first", "kms-sidecar configure -f FILE first")]
    public void WhatTheApiSays_IsSaidAsACommand(string message, string expected) =>
        Assert.Equal(expected, Of(409, "application/json", $$"""{"message":"{{message}}","code":"WrongState"}""").Message);

    [Fact]
    public void ARefusalInXml_IsRead_WithTheMend()
    {
        CommandFault fault = Of(403, "application/xml", "<?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code><Message>It&apos;s &lt;wrong&gt;</Message></Error>");

        Assert.Equal(ExitCode.NoPermission, fault.ExitCode);
        Assert.Equal("It's <wrong>; the secret key is not the one of this access key", fault.Message);
    }

    [Theory]
    [InlineData("text/html", "<html>")]
    [InlineData("application/json", "[1]")]
    [InlineData("application/json", "{\"message\":1}")]
    [InlineData("application/xml", "<Error/>")]
    [InlineData("", "")]
    public void WhateverElse_IsNotOurDaemon(string type, string body) => Assert.Equal(
        (ExitCode.Unavailable, "what answers at /run/x is not this program's daemon"), (Of(400, type, body).ExitCode, Of(400, type, body).Message));

    [Fact]
    public void ControlCharacters_AreHarmless() => Assert.Equal("a  [31mb", Of(400, "application/json", "{\"message\":\"a\\n\\u001b[31mb\"}").Message);

    private static CommandFault Of(int status, string type, string body) => Refusal.Of(new DaemonAnswer(status, type, Encoding.UTF8.GetBytes(body)), "/run/x");
}
