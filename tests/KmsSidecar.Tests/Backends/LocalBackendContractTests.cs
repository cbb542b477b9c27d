using KmsSidecar.Backends.Local;
using KmsSidecar.Keys;
using Xunit;

namespace KmsSidecar.Tests.Backends;

public sealed class LocalBackendContractTests(LocalBackendContractTests.Opened shared)
    : KeyBackendContract, IClassFixture<LocalBackendContractTests.Opened>
{
    private protected override IKeyBackend Backend => shared.Backend;

    /// <summary>One opening for all tests of the contract, none of which changes the key that the others use.</summary>
    public sealed class Opened : IAsyncLifetime
    {
        private readonly LocalFixture _fixture = new();

        internal LocalBackend Backend { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Backend = _fixture.Open();
            await Backend.CreateAsync(KeyId);
        }

        public ValueTask DisposeAsync()
        {
            Backend.Dispose();
            _fixture.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
