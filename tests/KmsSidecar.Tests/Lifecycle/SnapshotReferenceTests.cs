using KmsSidecar.Configuration;
using KmsSidecar.Lifecycle;
using KmsSidecar.Sharing;
using Xunit;

namespace KmsSidecar.Tests.Lifecycle;

public sealed class SnapshotReferenceTests
{
    [Fact]
    public void Count_BeginsWithItsMaker_AndOnlyTheLastReleaseIsTheLast()
    {
        ReferenceCount count = new();

        Assert.True(count.TryAdd());
        Assert.False(count.Release());
        Assert.True(count.Release());
        Assert.False(count.TryAdd(), "what is gone does not come back");
    }

    [Fact]
    public void Backend_IsDisposedWithTheLastLease_AndNotBefore()
    {
        MemoryBackend backend = new(new MemoryPlace());
        SnapshotReference reference = new(Running(backend), TimeProvider.System);
        SnapshotLease first = reference.Acquire();
        SnapshotLease second = reference.Acquire();

        reference.Publish(new Snapshot { State = ServiceState.NotConfigured });
        first.Dispose();
        Assert.False(backend.IsDisposed);
        Assert.Equal(ServiceState.Running, second.Snapshot.State);

        second.Dispose();
        Assert.True(backend.IsDisposed);
    }

    [Fact]
    public void NextChange_EndsWithThePublicationAfterIt_AndNotBefore()
    {
        SnapshotReference reference = new(new Snapshot { State = ServiceState.NotConfigured }, TimeProvider.System);
        Task first = reference.NextChange;
        Assert.False(first.IsCompleted);

        reference.Publish(new Snapshot { State = ServiceState.NotConfigured });

        Assert.True(first.IsCompletedSuccessfully);
        Assert.False(reference.NextChange.IsCompleted);
    }

    [Fact]
    public void BackendOfTwoSnapshots_IsDisposedWithTheSecond()
    {
        MemoryBackend backend = new(new MemoryPlace());
        using ConfigurationDocument document = Document();
        MountedBackend mount = new(document, backend);
        Snapshot first = Running(mount);
        Assert.True(mount.TryShare(document));
        Snapshot second = Running(mount);

        first.Release();
        Assert.False(backend.IsDisposed);
        second.Release();
        Assert.True(backend.IsDisposed);
        Assert.False(mount.TryShare(document));
    }

    [Fact]
    public void ManySwapsUnderManyReaders_NeverLeaseASnapshotThatIsGone()
    {
        MemoryBackend[] backends = [.. Enumerable.Range(0, 2000).Select(static _ => new MemoryBackend(new MemoryPlace()))];
        SnapshotReference reference = new(Running(backends[0]), TimeProvider.System);
        using CancellationTokenSource end = new();
        Task<int>[] readers = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(() => ReadUntil(reference, end.Token)))];
        foreach (MemoryBackend next in backends.Skip(1))
        {
            reference.Publish(Running(next));
        }

        end.Cancel();

        Assert.Equal(0, readers.Sum(static reader => reader.GetAwaiter().GetResult()));
        Assert.Equal(1, backends.Count(static backend => !backend.IsDisposed));
    }

    /// <summary>Returns how often a leased backend was found disposed.</summary>
    private static int ReadUntil(SnapshotReference reference, CancellationToken end)
    {
        int faults = 0;
        while (!end.IsCancellationRequested)
        {
            using SnapshotLease lease = reference.Acquire();
            faults += ((MemoryBackend)lease.Snapshot.Backends[0].Backend!).IsDisposed ? 1 : 0;
        }

        return faults;
    }

    private static ConfigurationDocument Document() => ConfigurationDocument.Read("""{"backend_type":"local","key_dir":"/a"}"""u8);

    private static Snapshot Running(MemoryBackend backend)
    {
        using ConfigurationDocument document = Document();
        return Running(new MountedBackend(document, backend));
    }

    private static Snapshot Running(MountedBackend mount)
    {
        using ConfigurationDocument document = Document();
        Snapshot configured = Snapshot.Configured(1, document, []);
        Snapshot running = Snapshot.Running(configured, [mount]);
        configured.Release();
        return running;
    }
}
