using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using KmsSidecar.Configuration;
using KmsSidecar.Errors;
using KmsSidecar.Hosting;
using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;
using KmsSidecar.Operations;
using KmsSidecar.Options;
using KmsSidecar.Storage;
using Xunit;

namespace KmsSidecar.Tests.Lifecycle;

/// <summary>The service over a real state directory and backends in memory, one place for each <c>key_dir</c>.</summary>
internal sealed class ServiceUnderTest : IDisposable
{
    public static readonly Actor Operator = new("access key tester", "127.0.0.1");

    private readonly StateDirectory _state;
    private readonly TimeProvider _clock;
    private readonly ConcurrentDictionary<string, MemoryPlace> _places;

    /// <param name="places">Those of an earlier process, when this one is its restart.</param>
    public ServiceUnderTest(string directory, ConcurrentDictionary<string, MemoryPlace>? places = null, IFileSteps? steps = null, TimeProvider? clock = null)
    {
        _places = places ?? [];
        _clock = clock ?? TimeProvider.System;
        DaemonOptions options = new() { StateDirectory = directory, Socket = "/unused" };
        _state = StateDirectory.Open(options, steps ?? new SystemFileSteps(), new DirectoryLocks(), Log);
        Store = new ConfigurationStore(_state.Configurations, Log);
        Service = new KmsService(Store, OpenAsync, _clock, Log);
        try
        {
            Service.RestoreAsync(CancellationToken.None).GetAwaiter().GetResult();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public CapturedLog Log { get; } = new();

    public ConfigurationStore Store { get; }

    public KmsService Service { get; }

    public List<MemoryBackend> Opened { get; } = [];

    public ConcurrentDictionary<string, MemoryPlace> Places => _places;

    public ServiceState State => Look(static snapshot => snapshot.State);

    public string? DefaultKeyId => Look(DefaultKey.IdOf);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static string Local(string keyDirectory, string defaultKeyId = "master") =>
        $$"""{"backend_type":"local","key_dir":"{{keyDirectory}}","default_key_id":"{{defaultKeyId}}"}""";

    public MemoryPlace Place(string keyDirectory) => _places.GetOrAdd(keyDirectory, static _ => new MemoryPlace());

    public T Look<T>(Func<Snapshot, T> at)
    {
        using SnapshotLease lease = Service.Acquire();
        return at(lease.Snapshot);
    }

    public Task ConfigureAsync(string body) => Service.ConfigureAsync(Encoding.UTF8.GetBytes(body), Operator, Cancellation);

    public Task ReconfigureAsync(string body) => Service.ReconfigureAsync(Encoding.UTF8.GetBytes(body), Operator, Cancellation);

    public Task StartAsync(bool force = false) => Service.StartAsync(force, Operator, Cancellation);

    public Task StopAsync() => Service.StopAsync(Operator);

    public Task<long> RollbackAsync(long? generation = null) => Service.RollbackAsync(generation, Operator, Cancellation);

    public KeyAdministration Administration => new(Service, allowsImmediateDeletion: true, _clock, Log);

    public Task CreateKeyAsync(string id) => Administration.CreateAsync(new NewKey(id, null, Tags.None), Operator, Cancellation);

    /// <summary>Configured on a place and running.</summary>
    public async Task RunAsync(string keyDirectory)
    {
        await ConfigureAsync(Local(keyDirectory));
        await StartAsync();
    }

    public async Task<(KmsError Error, string KeyId, byte[] Blob)> WrapAsync(string? keyId = null)
    {
        using SnapshotLease lease = Service.Acquire();
        ArrayBufferWriter<byte> envelope = new();
        DataKeys.Wrapped wrapped = await DataKeys.GenerateAsync(
            lease.Snapshot, keyId, KeySpec.Aes256, EncryptionContext.Empty, new byte[32], envelope, Cancellation);
        return (wrapped.Error, wrapped.KeyId, envelope.WrittenSpan.ToArray());
    }

    public async Task<KmsError> OpenAsync(byte[] blob)
    {
        using SnapshotLease lease = Service.Acquire();
        DataKeys.Opened opened = await DataKeys.DecryptAsync(
            lease.Snapshot, blob, EncryptionContext.Empty, new byte[Envelope.MaxPlaintextLength], Cancellation);
        return opened.Error;
    }

    public void Dispose()
    {
        Service.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _state.Dispose();
    }

    private async ValueTask<IKeyBackend> OpenAsync(ConfigurationDocument document, OpenMode mode, CancellationToken cancellation)
    {
        MemoryPlace place = Place(document.Text(ConfigurationField.KeyDir) ?? "static");
        if (place.Hangs is { } reached)
        {
            reached.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancellation);
        }

        if (place.Fault is { } fault)
        {
            throw fault;
        }

        MemoryBackend backend = new(place);
        Opened.Add(backend);
        return backend;
    }
}
