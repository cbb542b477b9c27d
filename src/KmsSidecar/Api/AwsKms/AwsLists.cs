using System.Collections.Immutable;
using System.Globalization;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;
using KmsSidecar.Operations;

namespace KmsSidecar.Api.AwsKms;

/// <summary>The listings of AWS KMS, page by page. A marker is the name of the last thing on the page before.</summary>
internal sealed class AwsLists(KmsService service, KeyArns arns)
{
    private const int LargestPage = 1000;
    private const int UsualPage = 100;
    private const int MaxMarkerLength = 1024;
    private const string AliasPrefix = "alias/";

    /// <summary>Stands for the default key, unless a key has that name.</summary>
    private const string DefaultName = "default";

    /// <summary>RustFS ends at its own start, and the object store with it, when this is not answered. So it is, in every state: a backend
    /// that cannot be asked has no keys to show.</summary>
    public async ValueTask<KmsError> KeysAsync(Call call)
    {
        AwsRequest request = AwsRequest.Read(call);
        (int limit, string? marker) = PageOf(request);
        using SnapshotLease lease = service.Acquire();
        KeyPage page = await PageOrNoneAsync(lease.Snapshot, marker, limit, call.Cancellation);
        call.Write(
            new AwsKeysAnswer(
                [.. page.Keys.Select(key => new AwsKeyEntry(key.KeyId, arns.OfKey(key.KeyId)))], page.NextMarker, page.NextMarker is not null),
            AwsJson.Default.AwsKeysAnswer);
        return KmsError.None;
    }

    /// <summary>Each key has the alias of its own name, and the default key one more.</summary>
    public async ValueTask<KmsError> AliasesAsync(Call call)
    {
        AwsRequest request = AwsRequest.Read(call);
        (int limit, string? marker) = PageOf(request);
        using SnapshotLease lease = service.Acquire();
        Snapshot snapshot = lease.Snapshot;
        if (!snapshot.IsRunning)
        {
            return KmsError.NotRunning;
        }

        string? defaultKey = await DefaultAliasAsync(snapshot, call.Cancellation);
        (KmsError error, List<AwsAlias> page, string? next) = arns.Check(request.KeyId, "KeyId") is { } key
            ? await AliasesOfAsync(snapshot, key, defaultKey, marker, limit, call.Cancellation)
            : await AliasesOfAllAsync(snapshot, defaultKey, marker, limit, call.Cancellation);
        if (error == KmsError.None)
        {
            call.Write(new AwsAliasesAnswer([.. page], next, next is not null), AwsJson.Default.AwsAliasesAnswer);
        }

        return error;
    }

    public async ValueTask<KmsError> TagsAsync(Call call)
    {
        AwsRequest request = AwsRequest.Read(call);
        (int limit, string? marker) = PageOf(request);
        using SnapshotLease lease = service.Acquire();
        (KmsError error, KeyDescription? key) = await DataKeys.DescribeAsync(lease.Snapshot, KeyOf(call, request), call.Cancellation);
        if (error != KmsError.None)
        {
            return error;
        }

        List<AwsTag> tags = [.. key!.Tags.Select(static tag => new AwsTag(tag.Key, tag.Value))];
        string? next = Cut(tags, limit, marker, static tag => tag.TagKey);
        call.Write(new AwsTagsAnswer([.. tags], next, next is not null), AwsJson.Default.AwsTagsAnswer);
        return KmsError.None;
    }

    public async ValueTask<KmsError> RotationsAsync(Call call)
    {
        AwsRequest request = AwsRequest.Read(call);
        (int limit, string? marker) = PageOf(request);
        using SnapshotLease lease = service.Acquire();
        (KmsError error, KeyDescription? key) = await DataKeys.DescribeAsync(lease.Snapshot, KeyOf(call, request), call.Cancellation);
        if (error != KmsError.None)
        {
            return error;
        }

        // The first version is the key's creation, and not a rotation.
        ImmutableArray<KeyVersion> versions = await lease.Snapshot.Backends[0].Backend!.ListVersionsAsync(key!, call.Cancellation);
        List<KeyVersion> rotations = [.. versions.Skip(1)];
        string? next = Cut(rotations, limit, marker, static version => version.Number.ToString(CultureInfo.InvariantCulture));
        call.Write(
            new AwsRotationsAnswer(
                [.. rotations.Select(version => new AwsRotation(key!.KeyId, AwsModels.Seconds(version.CreatedAt), "ON_DEMAND"))], next, next is not null),
            AwsJson.Default.AwsRotationsAnswer);
        return KmsError.None;
    }

    private async ValueTask<(KmsError Error, List<AwsAlias> Page, string? Next)> AliasesOfAsync(
        Snapshot snapshot, string reference, string? defaultKey, string? marker, int limit, CancellationToken cancellation)
    {
        List<AwsAlias> page = [];
        (KmsError error, KeyDescription? key) = await DataKeys.DescribeAsync(snapshot, reference, cancellation);
        if (error != KmsError.None)
        {
            return (error, page, null);
        }

        if (key!.KeyId == defaultKey)
        {
            page.Add(Alias(DefaultName, defaultKey));
        }

        page.Add(Alias(key.KeyId, key.KeyId));
        return (KmsError.None, page, Cut(page, limit, marker, static alias => alias.AliasName));
    }

    /// <summary>The default key's further alias first, then the keys in their order.</summary>
    private async ValueTask<(KmsError Error, List<AwsAlias> Page, string? Next)> AliasesOfAllAsync(
        Snapshot snapshot, string? defaultKey, string? marker, int limit, CancellationToken cancellation)
    {
        List<AwsAlias> page = marker is null && defaultKey is not null ? [Alias(DefaultName, defaultKey)] : [];
        if (page.Count == limit)
        {
            return (KmsError.None, page, page[^1].AliasName);
        }

        bool isAfterDefault = marker == $"{AliasPrefix}{DefaultName}" && defaultKey is not null;
        KeyPage keys = await snapshot.Backends[0].Backend!.ListAsync(isAfterDefault ? null : KeyMarker(marker), limit - page.Count, cancellation);
        page.AddRange(keys.Keys.Select(key => Alias(key.KeyId, key.KeyId)));
        return (KmsError.None, page, keys.NextMarker is null ? null : page[^1].AliasName);
    }

    private AwsAlias Alias(string name, string keyId)
    {
        string alias = $"{AliasPrefix}{name}";
        return new AwsAlias(alias, arns.OfAlias(alias), keyId);
    }

    private static async ValueTask<KeyPage> PageOrNoneAsync(Snapshot snapshot, string? marker, int limit, CancellationToken cancellation)
    {
        KeyPage none = new([], NextMarker: null);
        try
        {
            return snapshot.IsRunning ? await snapshot.Backends[0].Backend!.ListAsync(marker, limit, cancellation) : none;
        }
        catch (KmsException away) when (away.Error is KmsError.BackendUnavailable or KmsError.BackendTimeout or KmsError.BackendRejected)
        {
            return none;
        }
    }

    /// <summary>The key that <c>alias/default</c> stands for; null where that alias is a key's own, or there is no default key.</summary>
    private static async ValueTask<string?> DefaultAliasAsync(Snapshot snapshot, CancellationToken cancellation) =>
        await snapshot.Backends[0].Backend!.HasKeyAsync(DefaultName, cancellation) is (KmsError.None, false) ? DefaultKey.IdOf(snapshot) : null;

    private static (int Limit, string? Marker) PageOf(AwsRequest request)
    {
        int limit = request.Limit is { } given ? (int)AwsRequest.InRange("Limit", given, LargestPage) : UsualPage;
        return request.Marker is { Length: 0 or > MaxMarkerLength } ? throw InvalidMarker() : (limit, request.Marker);
    }

    private static string? KeyMarker(string? marker) => marker is null || marker.StartsWith(AliasPrefix, StringComparison.Ordinal)
        ? marker?[AliasPrefix.Length..]
        : throw InvalidMarker();

    private static AwsException InvalidMarker() => new(AwsErrorCode.InvalidMarkerException, "Marker is not a NextMarker of this listing");

    private string KeyOf(Call call, AwsRequest request)
    {
        string reference = arns.Require(request.KeyId, "KeyId");
        return call.JudgedKeyId ?? reference;
    }

    /// <summary>Leaves one page of a list.</summary>
    /// <returns>The marker of the next page; null when this is the last.</returns>
    private static string? Cut<T>(List<T> all, int limit, string? marker, Func<T, string> nameOf)
    {
        int start = marker is null ? 0 : all.FindIndex(item => nameOf(item) == marker) + 1;
        if (marker is not null && start == 0)
        {
            throw InvalidMarker();
        }

        all.RemoveRange(0, start);
        if (all.Count <= limit)
        {
            return null;
        }

        all.RemoveRange(limit, all.Count - limit);
        return nameOf(all[^1]);
    }
}
