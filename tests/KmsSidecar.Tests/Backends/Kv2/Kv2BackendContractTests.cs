using KmsSidecar.Backends.Kv2;
using KmsSidecar.Keys;
using Xunit;

namespace KmsSidecar.Tests.Backends.Kv2;

public sealed class Kv2BackendContractTests(Kv2BackendContractTests.Opened shared)
    : KeyBackendContract, IClassFixture<Kv2BackendContractTests.Opened>
{
    private protected override IKeyBackend Backend => shared.Backend;

    public sealed class Opened : IAsyncLifetime
    {
        private Kv2Fixture _fixture = null!;

        internal Kv2Backend Backend { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            _fixture = await Kv2Fixture.StartAsync();
            Backend = await _fixture.OpenAsync();
            await Backend.CreateAsync(KeyId);
        }

        public ValueTask DisposeAsync() => _fixture.DisposeAsync();
    }
}
