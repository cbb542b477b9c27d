using System.Security.Cryptography.X509Certificates;
using System.Text;
using KmsSidecar.Auth;
using KmsSidecar.RustFs;
using KmsSidecar.Tests.Lifecycle;
using KmsSidecar.Tests.Storage;
using KmsSidecar.Tests.Support;
using Xunit;

namespace KmsSidecar.Tests.RustFs;

/// <summary>A follower over a service with a backend in memory, on a clock that the test moves.</summary>
internal sealed class FollowerUnderTest : IAsyncDisposable
{
    public const string KmsEndpoint = "https://localhost:9021";

    private readonly TempDirectory _directory = new();

    public FollowerUnderTest(Uri endpoint, X509Certificate2Collection? authorities = null, string secret = RustFsDouble.Secret)
    {
        Service = new ServiceUnderTest(_directory.FullPath, clock: Clock);
        RustFsSettings settings = new(endpoint, "us-east-1", new Uri(KmsEndpoint), authorities);
        RustFsConnection connection = new(settings, Credentials(secret), Clock);
        Follower = new RustFsFollower(Service.Service, new RustFsClient(connection, settings), Clock, Service.Log);
    }

    public SteeredClock Clock { get; } = new();

    public ServiceUnderTest Service { get; }

    public RustFsFollower Follower { get; }

    public FollowerStatus Status => Follower.Status;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static RootCredentials Credentials(string secret) => new(RustFsDouble.AccessKey, Encoding.UTF8.GetBytes(secret));

    /// <summary>With keys <c>master</c>, the default, and <c>other</c>.</summary>
    public async Task RunAsync()
    {
        await Service.RunAsync("/k");
        await Service.CreateKeyAsync("other");
        Follower.Start();
    }

    public Task UseAsync(string keyId) => Service.ReconfigureAsync($$"""{"default_key_id":"{{keyId}}"}""");

    /// <summary>Waits for what the follower does without letting time pass; the test's own time limit ends it.</summary>
    public static async Task UntilAsync(Func<bool> done)
    {
        while (!done())
        {
            await Task.Delay(5, Cancellation);
        }
    }

    /// <summary>The same, letting time pass while no request is under way, as no answer is late then.</summary>
    public async Task PassUntilAsync(Func<bool> done, RustFsDouble? rustFs = null)
    {
        while (!done())
        {
            await Task.Delay(5, Cancellation);
            if (rustFs is not { IsBusy: true })
            {
                Clock.Pass(TimeSpan.FromMilliseconds(500));
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Follower.DisposeAsync();
        Service.Dispose();
        _directory.Dispose();
    }
}
