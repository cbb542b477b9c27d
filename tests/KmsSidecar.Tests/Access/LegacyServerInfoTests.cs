using KmsSidecar.Access;
using KmsSidecar.Tests.Auth;
using KmsSidecar.Tests.Support;
using Xunit;
using static KmsSidecar.Tests.Access.PolicyCases;
using static KmsSidecar.Tests.Support.TestHost;

namespace KmsSidecar.Tests.Access;

/// <summary>The playbook's one permission, in each mode of the daemon.</summary>
public sealed class LegacyServerInfoTests
{
    [Theory]
    [Trait("Case", "74")]
    [InlineData(LegacyServerInfo.Full, 200, 200)]
    [InlineData(LegacyServerInfo.ReadOnly, 200, 403)]
    [InlineData(LegacyServerInfo.Off, 403, 403)]
    internal async Task ServerInfo_OpensTheAdminRoutes(LegacyServerInfo mode, int reading, int changing)
    {
        FixedGrants grants = new() { ["monitor"] = new Grants { Policies = [Policy(Allow("admin:ServerInfo"))] } };
        await using TestHost host = await StartAsync(options => options with { LegacyServerInfo = mode }, grants: grants);
        host.Host.Verifier.UseCredentials(new FixedCredentials(("monitor", "a-secret-of-monitor")));
        using ApiClient monitor = ApiClient.OverTcp(host.Address, ("monitor", "a-secret-of-monitor"));

        (await monitor.PostAsync($"{Kms}/configure", host.LocalConfiguration)).Expect(changing);
        (await host.Admin.PostAsync($"{Kms}/configure", host.LocalConfiguration)).Expect(200);
        (await host.Admin.PostAsync($"{Kms}/start")).Expect(200);
        (await monitor.GetAsync($"{Kms}/status")).Expect(reading);
        (await monitor.GetAsync($"{Kms}/keys/master")).Expect(reading);
        (await monitor.PostAsync($"{Kms}/keys", """{"key_name":"made"}""")).Expect(changing);
        (await monitor.PostAsync($"{Kms}/generate-data-key", "{}")).ExpectXml(403, "AccessDenied", "Access Denied");
    }
}
