using System.Diagnostics;
using KmsSidecar.Backends.Local;
using KmsSidecar.Errors;
using Xunit;

namespace KmsSidecar.Tests.Backends;

/// <summary>More keys than are read at open.</summary>
public sealed class ManyKeysTests(ITestOutputHelper output)
{
    private const int More = KeyScan.ReadAtOpen + 300;

    [Fact]
    public async Task KeysThatAreNotReadAtOpen_AreListedFoundAndChecked()
    {
        using LocalFixture fixture = LocalFixture.Known();
        Put(fixture, More);
        fixture.Put("key-0001200.key", "damaged");
        using LocalBackend backend = fixture.Open();

        // Before the scan has been there: whether a key can be used shows when it is used.
        Assert.Equal(KmsError.None, (await backend.WrapAsync("key-0001250")).Error);
        Assert.Equal(KmsError.KeyDamaged, (await backend.WrapAsync("key-0001200")).Error);
        Assert.Equal(KmsError.KeyNotFound, (await backend.WrapAsync("key-9")).Error);

        List<string> listed = [];
        string? marker = null;
        do
        {
            (string[] ids, marker) = await backend.ListAsync(marker, limit: 77);
            listed.AddRange(ids);
        }
        while (marker is not null);
        Assert.Equal(Enumerable.Range(0, More).Where(static i => i != 1200).Select(Name), listed);

        await DoneAsync(backend);
        Assert.Equal("key-0001200.key", Assert.Single(backend.Unreadable).Name);
        Assert.Equal(More - 1, backend.KeyCount);
    }

    [Fact]
    public async Task Scan_FindsDeletionsThatAreDue()
    {
        using LocalFixture fixture = LocalFixture.Known();
        Put(fixture, More);
        string[] ending = [.. Enumerable.Range(0, More).Select(Name)];
        foreach (string id in ending)
        {
            fixture.Put($"{id}.key", Record(id).Replace("\"Active\"", "\"PendingDeletion\"", StringComparison.Ordinal)
                .Replace("\"deletion_date\": null", "\"deletion_date\": \"2026-01-02T00:00:00+00:00[UTC]\"", StringComparison.Ordinal));
        }

        using LocalBackend backend = fixture.Open();
        await DoneAsync(backend);

        // Some of which the scan has not kept in memory, whichever they are, are damaged since: they do not stand in the way of the others.
        foreach (string id in ending.Skip(KeyScan.ReadAtOpen))
        {
            fixture.Put($"{id}.key", "damaged");
        }

        string[] due = await backend.DueAsync(fixture.Clock.GetUtcNow());
        Assert.Equal(ending[..KeyScan.ReadAtOpen], due.Where(id => string.CompareOrdinal(id, ending[KeyScan.ReadAtOpen]) < 0));
        Assert.InRange(due.Length, KeyScan.ReadAtOpen, More - 1);
    }

    [Fact]
    public async Task KeysCanBeMadeAndDestroyedAmongMany()
    {
        using LocalFixture fixture = LocalFixture.Known();
        Put(fixture, More);
        using LocalBackend backend = fixture.Open();
        await backend.CreateAsync("key-0001100x");
        await backend.DestroyAsync("key-0001101");

        Assert.Equal(["key-0001100", "key-0001100x", "key-0001102"], (await backend.ListAsync("key-0001099", limit: 3)).Ids);
        Assert.Equal(More, backend.KeyCount);
    }

    [Fact]
    public async Task MasterKeyThatOpensNone_IsFoundAtOpen()
    {
        using LocalFixture fixture = new("another-master-key");
        fixture.Put(".master-key.salt", LocalFixture.KnownSalt);
        Put(fixture, More);
        using LocalBackend backend = fixture.Open();

        KmsException refused = await Assert.ThrowsAsync<KmsException>(async () => await backend.CheckHealthAsync(TestContext.Current.CancellationToken));
        Assert.Equal(KmsError.InvalidConfiguration, refused.Error);
    }

    /// <summary>Reports times and asserts none: see the README for figures of the published binary.</summary>
    [Fact]
    [Trait("Category", "Slow")]
    public async Task HundredThousandKeys()
    {
        const int Many = 100_000;
        using LocalFixture fixture = LocalFixture.Known();
        Put(fixture, Many);
        fixture.Open().Dispose();

        long start = Stopwatch.GetTimestamp();
        using LocalBackend backend = fixture.Open();
        output.WriteLine($"open: {Stopwatch.GetElapsedTime(start).TotalMilliseconds:F0} ms");
        foreach (int at in (int[])[0, Many / 2, Many - 200])
        {
            start = Stopwatch.GetTimestamp();
            Assert.Equal(100, (await backend.ListAsync(Name(at), limit: 100)).Ids.Length);
            output.WriteLine($"page of 100 after {at}: {Stopwatch.GetElapsedTime(start).TotalMilliseconds:F1} ms");
        }

        start = Stopwatch.GetTimestamp();
        await DoneAsync(backend);
        output.WriteLine($"scan: {Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s, {GC.GetTotalMemory(forceFullCollection: true) / 1048576} MiB on the heap");
        Assert.Equal(Many, backend.KeyCount);
    }

    private static async Task DoneAsync(LocalBackend backend)
    {
        while (backend.UncheckedKeyCount > 0)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    private static void Put(LocalFixture fixture, int count)
    {
        for (int i = 0; i < count; i++)
        {
            fixture.Put($"{Name(i)}.key", Record(Name(i)));
        }
    }

    private static string Name(int i) => $"key-{i:D7}";

    private static string Record(string id) => LocalFixture.KnownRecord.Replace("app-key", id, StringComparison.Ordinal);
}
