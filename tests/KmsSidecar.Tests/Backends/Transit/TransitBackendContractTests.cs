using KmsSidecar.Backends.Transit;
using KmsSidecar.Keys;
using Xunit;

namespace KmsSidecar.Tests.Backends.Transit;

public sealed class TransitBackendContractTests(TransitBackendContractTests.Opened shared)
    : KeyBackendContract, IClassFixture<TransitBackendContractTests.Opened>
{
    private protected override IKeyBackend Backend => shared.Backend;

    private protected override bool WritesBoundForm => false;

    public sealed class Opened : IAsyncLifetime
    {
        private TransitFixture _fixture = null!;

        internal TransitBackend Backend { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            _fixture = await TransitFixture.StartAsync();
            Backend = await _fixture.OpenAsync();
            await Backend.CreateAsync(KeyId);
        }

        public ValueTask DisposeAsync() => _fixture.DisposeAsync();
    }
}
