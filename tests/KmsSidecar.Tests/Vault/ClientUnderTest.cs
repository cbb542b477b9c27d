using System.Diagnostics;
using System.Text;
using KmsSidecar.Crypto;
using KmsSidecar.Tests.Lifecycle;
using KmsSidecar.Vault;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.Vault;

/// <summary>A client with a clock of its own, which stands still unless a test moves it.</summary>
internal sealed class ClientUnderTest : IAsyncDisposable
{
    public const string Token = "s.marker-of-a-token-zq7";

    /// <summary>Time limit of one attempt for tests that let much time pass: a request that the machine is slow with does not come to it.</summary>
    public static readonly TimeSpan LongTimeout = TimeSpan.FromMinutes(5);

    private ClientUnderTest(VaultClient client, FakeTimeProvider clock, CapturedLog log)
    {
        Client = client;
        Clock = clock;
        Log = log;
    }

    public VaultClient Client { get; }

    public FakeTimeProvider Clock { get; }

    public CapturedLog Log { get; }

    public static FakeTimeProvider NewClock() => new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public static SecretBytes Secret(string text) => SecretBytes.CopyOf(Encoding.UTF8.GetBytes(text));

    public static VaultAuth.Token TokenAuth(string token = Token) => new(Secret(token));

    public static Task<ClientUnderTest> OpenAsync(Uri address, int attempts = 3) =>
        OpenAsync(new VaultSettings { Address = address, Auth = TokenAuth(), Attempts = attempts });

    public static async Task<ClientUnderTest> OpenAsync(VaultSettings settings, FakeTimeProvider? clock = null, CapturedLog? log = null)
    {
        clock ??= NewClock();
        log ??= new CapturedLog();
        VaultClient client = await PassingTimeAsync(clock, VaultClient.OpenAsync(settings, clock, log, CancellationToken.None).AsTask());
        return new ClientUnderTest(client, clock, log);
    }

    /// <summary>Lets time pass, in small steps, until the work is done.</summary>
    public static async Task<T> PassingTimeAsync<T>(FakeTimeProvider clock, Task<T> work, double step = 0.02)
    {
        while (await Task.WhenAny(work, Task.Delay(TimeSpan.FromMilliseconds(5))) != work)
        {
            clock.Advance(TimeSpan.FromSeconds(step));
        }

        return await work;
    }

    /// <summary>Lets time pass until what is waited for has come, or fails.</summary>
    public async Task UntilAsync(Func<bool> isSo, double step = 0)
    {
        long start = Stopwatch.GetTimestamp();
        while (!isSo())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(30), "what was waited for has not come");
            await Task.Delay(TimeSpan.FromMilliseconds(5));
            if (step > 0)
            {
                Clock.Advance(TimeSpan.FromSeconds(step));
            }
        }
    }

    public static VaultCall Call(string path, HttpMethod? method = null, VaultRepeat repeat = VaultRepeat.Safe, string body = "") =>
        new("test", method ?? HttpMethod.Get, path, repeat, Encoding.UTF8.GetBytes(body));

    /// <summary>Time stands still meanwhile.</summary>
    public Task<VaultAnswer> SendAsync(VaultCall call) => Client.SendAsync(call, TestContext.Current.CancellationToken).AsTask();

    public Task<VaultAnswer> SendAsync(string path = "transit/keys/k") => SendAsync(Call(path));

    /// <summary>Time passes meanwhile, for pauses and time limits.</summary>
    public Task<VaultAnswer> SendPassingTimeAsync(VaultCall call, double step = 0.02) => PassingTimeAsync(Clock, SendAsync(call), step);

    public Task<VaultAnswer> SendPassingTimeAsync(string path = "transit/keys/k", double step = 0.02) => SendPassingTimeAsync(Call(path), step);

    public ValueTask DisposeAsync() => Client.DisposeAsync();
}
