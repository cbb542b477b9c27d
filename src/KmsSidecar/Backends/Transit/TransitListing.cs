using System.Collections.Immutable;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Observability;
using KmsSidecar.Vault;

namespace KmsSidecar.Backends.Transit;

/// <summary>Lists keys, their versions, and those whose deletion is due.</summary>
internal sealed class TransitListing(TransitEngine engine, KeyValueStore records, TransitKeys keys)
{
    /// <summary>Keys that are read at the same time.</summary>
    private const int Parallelism = 8;

    /// <summary>Keys that are looked at in a pass for deletions that another node scheduled: a pass is every minute, and a deletion waits for a week.</summary>
    private const int LookedAtPerPass = 32;

    /// <summary>Most keys that are due in a pass; the others come with the next.</summary>
    private const int MaxDue = 100;

    /// <summary>Last of those that the former pass looked at.</summary>
    private string? _lookedAt;

    /// <summary>One listing, and a look at each key of the page.</summary>
    /// <exception cref="KmsException">A backend error.</exception>
    public async ValueTask<KeyPage> ListAsync(string? marker, int limit, CancellationToken cancellation)
    {
        if (limit <= 0)
        {
            return new KeyPage([], null);
        }

        string[] ids = [.. After(Legal(await engine.ListKeysAsync(cancellation)), marker).Take(limit + 1)];
        string[] page = ids.Length > limit ? ids[..limit] : ids;
        return new KeyPage(await LookAsync(page, cancellation), ids.Length > limit ? page[^1] : null);
    }

    /// <exception cref="KmsException">KeyNotFound, KeyDamaged, or a backend error.</exception>
    public async ValueTask<ImmutableArray<KeyVersion>> ListVersionsAsync(KeyDescription key, CancellationToken cancellation)
    {
        (KmsError error, KnownKey? known) = await keys.GetAsync(key.KeyId, cancellation);
        return error == KmsError.None
            ? [.. (known!.Key?.Versions ?? []).Select(static version => new KeyVersion(version.Number, ZonedTimestamp.Format(version.CreatedAt)))]
            : throw new KmsException(error);
    }

    /// <summary>One listing, a look at some keys that are not known to be ending, and a fresh one at those that are due.</summary>
    /// <exception cref="KmsException">A backend error.</exception>
    public async ValueTask<ImmutableArray<KeyDescription>> FindDueAsync(DateTimeOffset now, CancellationToken cancellation)
    {
        string[] ids = [.. Legal(await ListRecordsAsync(cancellation)).Order(Utf8Order.Instance)];
        string[] next = [.. After(ids, _lookedAt).Concat(ids).Take(Math.Min(LookedAtPerPass, ids.Length))];
        await LookAsync(next, cancellation);
        _lookedAt = next.LastOrDefault();

        List<KeyDescription> due = [];
        foreach (KeyDescription key in keys.Ending.Where(key => KeyRules.IsDue(key, now)).ToArray())
        {
            if (due.Count == MaxDue)
            {
                break;
            }

            TransitLookup lookup = await keys.ReadAsync(key.KeyId, cancellation);
            if (lookup.Key is { } known)
            {
                keys.Forget(key.KeyId);
                due.Add(known.Description);
            }
            else if (lookup.Error is not (KmsError.KeyNotFound or KmsError.KeyDamaged) && !lookup.IsDenied)
            {
                throw new KmsException(lookup.Error, lookup.Sentence);
            }
        }

        return [.. due.Where(key => KeyRules.IsDue(key, now)).OrderBy(static key => key.KeyId, Utf8Order.Instance)];
    }

    /// <summary>Names of records; of keys where the token may not list records, as RustFS's own policy has it.</summary>
    private async ValueTask<IEnumerable<string>> ListRecordsAsync(CancellationToken cancellation)
    {
        KeyValueList list = await records.ListAsync("", cancellation);
        return list.Fault switch
        {
            VaultFault.None => list.Records,
            VaultFault.PolicyDenied => await engine.ListKeysAsync(cancellation),
            _ => throw list.ToException(),
        };
    }

    private IEnumerable<string> Legal(IEnumerable<string> names)
    {
        foreach (string name in names)
        {
            if (KeyId.IsLegal(name))
            {
                yield return name;
            }
            else
            {
                keys.Report(PrintableText.Of(name), "its name is not a legal key id, so it is not served; legal are 1 to 128 of A-Z a-z 0-9 . _ - and not a dot first");
            }
        }
    }

    private static IEnumerable<string> After(IEnumerable<string> ids, string? marker) =>
        ids.Where(id => marker is null || Utf8Order.Instance.Compare(marker, id) < 0).Order(Utf8Order.Instance);

    /// <summary>In the order of the ids, without those that are gone meanwhile, that cannot be used, and that the token may not read.</summary>
    private async ValueTask<ImmutableArray<KeyDescription>> LookAsync(string[] ids, CancellationToken cancellation)
    {
        KeyLook[] looks = new KeyLook[ids.Length];
        ParallelOptions options = new() { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellation };
        await Parallel.ForEachAsync(
            Enumerable.Range(0, ids.Length), options, async (i, cancelled) => looks[i] = await keys.LookAsync(ids[i], cancelled));
        return KeyLook.Listed(looks);
    }
}
