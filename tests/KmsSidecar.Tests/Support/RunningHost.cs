using KmsSidecar.Tests.Audit;
using Xunit;

namespace KmsSidecar.Tests.Support;

/// <summary>One daemon with a running local backend and an audit log for all tests of a class.</summary>
public sealed class RunningHost : IAsyncLifetime
{
    internal TestHost Host { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Host = await TestHost.StartRunningAsync(static options => options with { Audit = AuditUnderTest.Bounded });

    public ValueTask DisposeAsync() => Host.DisposeAsync();
}
