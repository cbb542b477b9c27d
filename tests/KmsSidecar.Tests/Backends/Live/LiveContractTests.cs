using KmsSidecar.Keys;
using Xunit;

namespace KmsSidecar.Tests.Backends.Live;

/// <summary>The contract of backends, kept on a real server: <c>VAULT_ADDR=http://127.0.0.1:8200 VAULT_TOKEN=… tests/check.sh</c>.</summary>
public abstract class LiveContractTests : KeyBackendContract
{
    private readonly LiveBackend _live;

    protected LiveContractTests(LiveBackend live)
    {
        Assert.SkipWhen(live.Backend is null, "VAULT_ADDR and VAULT_TOKEN name no OpenBao or Vault to run against");
        _live = live;
    }

    private protected override IKeyBackend Backend => _live.Backend!;

    public sealed class OfTransit(LiveBackend.Transit live) : LiveContractTests(live), IClassFixture<LiveBackend.Transit>
    {
        private protected override bool WritesBoundForm => false;
    }

    public sealed class OfKv2(LiveBackend.Kv2 live) : LiveContractTests(live), IClassFixture<LiveBackend.Kv2>;
}
