using System.Collections.Immutable;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Observability;

namespace KmsSidecar.Backends.Kv2;

/// <summary>Pages of keys, versions of a key, and the keys whose end has come.</summary>
/// <remarks>A listing costs one request, and one more for each key of the page that is not kept.</remarks>
internal sealed class Kv2Listing(Kv2Store store, Kv2Keyring keys, TimeProvider clock)
{
    /// <summary>How many keys are read at the same time.</summary>
    private const int Readers = 8;

    /// <summary>RustFS's mark that it restores a backup into the store.</summary>
    private const string RestoreMarker = ".rustfs-restore-commit";

    /// <summary>So often all keys are looked at for deletions that others have scheduled or begun; those are seen at the latest then, which is
    /// early beside the seven days that a scheduled one waits.</summary>
    private static readonly TimeSpan ScanPeriod = TimeSpan.FromMinutes(15);

    private long? _scanned;

    /// <inheritdoc cref="IKeyBackend.ListAsync"/>
    /// <remarks>A key that cannot be served takes its place in the page and is not in it, so a page may be short without being the last.</remarks>
    public async Task<KeyPage> PageAsync(string? marker, int limit, CancellationToken cancellation)
    {
        if (limit <= 0)
        {
            return new KeyPage([], NextMarker: null);
        }

        List<string> ids = await ListIdsAsync(cancellation);
        int start = marker is null ? 0 : ids.FindIndex(id => Utf8Order.Instance.Compare(id, marker) > 0);
        if (start < 0)
        {
            return new KeyPage([], NextMarker: null);
        }

        int count = Math.Min(limit, ids.Count - start);
        ImmutableArray<KeyDescription> page = await DescribeAsync(ids.GetRange(start, count), cancellation);
        return new KeyPage(page, start + count < ids.Count ? ids[start + count - 1] : null);
    }

    /// <inheritdoc cref="IKeyBackend.ListVersionsAsync"/>
    public async Task<ImmutableArray<KeyVersion>> ListVersionsAsync(KeyDescription key, CancellationToken cancellation)
    {
        // One above the newest was frozen by a rotation that did not come to its end.
        List<uint> numbers = [.. (await store.ListVersionsAsync(key.KeyId, cancellation)).Where(number => number <= key.Version)];
        KeyVersion?[] versions = new KeyVersion?[numbers.Count];
        await InParallelAsync(numbers.Count, async at =>
        {
            using Kv2Found<Kv2VersionRecord> found = await store.ReadVersionAsync(key.KeyId, numbers[at], cancellation);
            versions[at] = found.Error switch
            {
                KmsError.None => new KeyVersion(numbers[at], found.Record!.CreatedAt),
                KmsError.KeyNotFound or KmsError.KeyDamaged => null,
                _ => throw new KmsException(found.Error, found.Sentence),
            };
        });
        List<KeyVersion> known = [.. versions.OfType<KeyVersion>()];
        if (known.Count == 0 || known[^1].Number != key.Version)
        {
            known.Add(new KeyVersion(key.Version, key.RotatedAt ?? key.CreatedAt));
        }

        return [.. known];
    }

    /// <inheritdoc cref="IKeyBackend.FindDueAsync"/>
    public async Task<ImmutableArray<KeyDescription>> FindDueAsync(DateTimeOffset now, CancellationToken cancellation)
    {
        if (_scanned is not { } last || clock.GetElapsedTime(last) >= ScanPeriod)
        {
            await DescribeAsync(await ListIdsAsync(cancellation), cancellation);
            _scanned = clock.GetTimestamp();
        }

        List<KeyDescription> due = [];
        foreach (KeyDescription key in keys.Ending.Where(key => KeyRules.IsDue(key, now)).OrderBy(static key => key.KeyId, Utf8Order.Instance))
        {
            // Another writer may have cancelled the deletion, or done it.
            keys.Forget(key.KeyId);
            if ((await keys.LookAsync(key.KeyId, cancellation)).Key is { } found && KeyRules.IsDue(found, now))
            {
                due.Add(found);
            }
        }

        return [.. due];
    }

    /// <summary>In byte order.</summary>
    private async Task<List<string>> ListIdsAsync(CancellationToken cancellation)
    {
        List<string> ids = [];
        foreach (string name in await store.ListAsync(cancellation))
        {
            if (KeyId.IsLegal(name))
            {
                ids.Add(name);
            }
            else
            {
                string printable = PrintableText.Of(name);
                keys.Report(printable, name == RestoreMarker
                    ? "RustFS was stopped while it restored a backup here; finish or abort that with RustFS"
                    : $"its name is not one that a key may have; copy it to one, and remove it with: vault kv metadata delete {store.NameOf(printable)}");
            }
        }

        ids.Sort(Utf8Order.Instance);
        return ids;
    }

    /// <summary>Those that can be served and that the token may read, in the order of the ids.</summary>
    private async Task<ImmutableArray<KeyDescription>> DescribeAsync(List<string> ids, CancellationToken cancellation)
    {
        KeyLook[] looks = new KeyLook[ids.Count];
        await InParallelAsync(ids.Count, async at => looks[at] = await keys.LookAsync(ids[at], cancellation));
        return KeyLook.Listed(looks);
    }

    private static Task InParallelAsync(int count, Func<int, ValueTask> read) => Parallel.ForEachAsync(
        Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = Readers }, (at, _) => read(at));
}
