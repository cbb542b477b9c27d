using System.Net.Sockets;
using System.Text.Json;
using KmsSidecar.Access;
using KmsSidecar.Access.Policies;
using KmsSidecar.Tests.Access;
using KmsSidecar.Tests.Storage;
using KmsSidecar.Tests.Support;
using Xunit;
using static KmsSidecar.Tests.Access.PolicyCases;

namespace KmsSidecar.Tests.CommandLine;

/// <summary><c>kms-sidecar policy check</c> as a process, against a running daemon.</summary>
public sealed class PolicyCheckTests(PolicyCheckTests.Daemon daemon) : IClassFixture<PolicyCheckTests.Daemon>
{
    [Theory]
    [InlineData(
        0, "kms:Decrypt on key 'app' is allowed by Statement[0] of policy 'KMSKeyUser'", "alice", "kms:Decrypt", "--resource", "arn:aws:kms:::key/app")]
    [InlineData(
        1, "kms:Decrypt on key 'pay-1' is denied by Statement[0] ('no pay') of policy 'test'", "alice", "kms:Decrypt", "--resource", "pay-1")]
    [InlineData(0, "kms:ListKeys is allowed by Statement[1] of policy 'test'", "alice", "kms:ListKeys", "--source-ip", "192.0.2.1", "--time", "2026-01-31")]
    public async Task Check_SaysWhichStatementDecides(int exit, string sentence, string user, string action, params string[] more) =>
        Assert.Equal((exit, $"{sentence}\n", ""), await RunAsync(["--user", user, "--action", action, .. more]));

    [Fact]
    public async Task Json_IsTheAnswerOfTheRoute()
    {
        (int exit, string output, _) = await RunAsync(["--user", "alice", "--action", "kms:Decrypt", "--resource", "pay-1", "--json"]);
        JsonElement answer = JsonElement.Parse(output);

        Assert.Equal(1, exit);
        Assert.Equal(
            """{"success":true,"allowed":false,"message":"kms:Decrypt on key 'pay-1' is denied by Statement[0] ('no pay') of policy 'test'","policy":"test","statement":0,"sid":"no pay"}""",
            answer.GetRawText());
    }

    [Fact]
    public async Task WhatTheDaemonRefuses_EndsWith65() => Assert.Equal(
        (65, "", "kms-sidecar: there is no such user\nnext: kms-sidecar users list\n"), await RunAsync(["--user", "nobody", "--action", "kms:Decrypt"]));

    [Fact]
    public async Task AMissingOption_EndsWith64() => Assert.Equal(64, (await RunAsync(["--user", "alice"])).ExitCode);

    [Fact]
    public async Task ASocketThatIsNotThere_EndsWith69()
    {
        using TempDirectory directory = new();
        string missing = directory.PathOf("admin.sock");

        Assert.Equal(
            (69, "", $"kms-sidecar: there is no socket {missing}: start the daemon, or name its socket with --admin-socket\nnext: systemctl start kms-sidecar\n"),
            await AskAsync(missing));
    }

    [Fact]
    public async Task ASocketThatNobodyListensOn_EndsWith69()
    {
        using TempDirectory directory = new();
        string abandoned = directory.PathOf("admin.sock");
        using Socket deaf = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        deaf.Bind(new UnixDomainSocketEndPoint(abandoned));

        Assert.Equal((69, "", $"kms-sidecar: nothing listens on {abandoned}: the daemon has ended\nnext: systemctl start kms-sidecar\n"), await AskAsync(abandoned));
    }

    [Fact]
    public async Task APathThatIsTooLong_EndsWith64() => Assert.Equal(64, (await AskAsync($"/{new string('x', 200)}")).ExitCode);

    [Fact]
    public async Task TheDataSocket_IsNotTheAdminSocket() =>
        Assert.Equal((65, "", "kms-sidecar: there is no such route: it is a daemon of another version, or its data socket\n"), await AskAsync(daemon.Host.Host.Options.Socket));

    private static Task<(int ExitCode, string Output, string Errors)> AskAsync(string socket) =>
        DaemonProcess.RunAsync(["policy", "check", "--user", "alice", "--action", "kms:Decrypt", "--admin-socket", socket]);

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(string[] arguments) =>
        DaemonProcess.RunAsync(["policy", "check", .. arguments], ("KMS_SIDECAR_ADMIN_SOCKET", daemon.Host.Host.Options.AdminSocket!));

    public sealed class Daemon : IAsyncLifetime
    {
        internal TestHost Host { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            NamedPolicy own = Policy(
                """{"Sid":"no pay","Effect":"Deny","Action":"kms:Decrypt","Resource":"arn:aws:kms:::key/pay-*"}""",
                """
                {"Effect":"Allow","Action":"kms:ListKeys","Condition":{
                  "IpAddress":{"aws:SourceIp":"192.0.2.0/24"},"DateLessThan":{"aws:CurrentTime":"2026-06-30"}}}
                """);
            Host = await TestHost.StartAsync(grants: new FixedGrants
            {
                ["alice"] = new Grants { Policies = [CannedPolicies.Find("KMSKeyUser")!, own] },
            });
        }

        public ValueTask DisposeAsync() => Host.DisposeAsync();
    }
}
