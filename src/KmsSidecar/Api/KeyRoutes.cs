using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;
using KmsSidecar.Operations;

namespace KmsSidecar.Api;

/// <summary>Keys of the active backend: create, describe, list; each in upstream's modern and legacy shape.</summary>
internal sealed class KeyRoutes(KmsService service, KeyAdministration administration)
{
    /// <summary>Upstream's page: 100 unless asked, never more than 1,000.</summary>
    private const int DefaultPage = 100;
    private const int LargestPage = 1000;

    public async ValueTask<KmsError> CreateAsync(Call call)
    {
        KeyDescription key = await CreateKeyAsync(call);
        call.Write(
            new CreateKeyAnswer(true, "key created successfully", key.KeyId, KeyMetadata.From(key)), AdminJson.Default.CreateKeyAnswer);
        return KmsError.None;
    }

    public async ValueTask<KmsError> CreateLegacyAsync(Call call)
    {
        KeyDescription key = await CreateKeyAsync(call);
        call.Write(new LegacyCreateKeyAnswer(key.KeyId, KeyMetadata.From(key)), AdminJson.Default.LegacyCreateKeyAnswer);
        return KmsError.None;
    }

    public async ValueTask<KmsError> DescribeAsync(Call call)
    {
        bool withImpact = call.Query.GetValueOrDefault("impact", "false") switch
        {
            "true" => true,
            "false" => false,
            _ => throw new KmsException(KmsError.MalformedRequest, "invalid value for 'impact': expected 'true' or 'false'"),
        };
        using SnapshotLease lease = service.Acquire();
        KeyDescription key = await FindAsync(lease.Snapshot, call.PathParameter!, call);
        KeyImpactReport? impact = withImpact ? KeyImpactReport.From(KeyImpact.Of(lease.Snapshot, key.KeyId)) : null;
        call.Write(
            new DescribeKeyAnswer(true, "Key described successfully", KeyMetadata.From(key), impact), AdminJson.Default.DescribeKeyAnswer);
        return KmsError.None;
    }

    public async ValueTask<KmsError> DescribeLegacyAsync(Call call)
    {
        string id = ((string[])["keyId", "key-id", "key"]).Select(call.Query.GetValueOrDefault).FirstOrDefault(value => value?.Length > 0)
            ?? throw new KmsException(KmsError.MalformedRequest, "missing required parameter: 'keyId'");
        using SnapshotLease lease = service.Acquire();
        KeyDescription key = await FindAsync(lease.Snapshot, id, call);
        call.Write(new LegacyDescribeKeyAnswer(KeyMetadata.From(key)), AdminJson.Default.LegacyDescribeKeyAnswer);
        return KmsError.None;
    }

    /// <summary>For RustFS, on the data socket: also the key's version.</summary>
    public async ValueTask<KmsError> DescribeForDataAsync(Call call)
    {
        using SnapshotLease lease = service.Acquire();
        KeyDescription key = await FindAsync(lease.Snapshot, call.PathParameter!, call);
        call.Write(DataKeyDescription.From(key), AdminJson.Default.DataKeyDescription);
        return KmsError.None;
    }

    public async ValueTask<KmsError> ListAsync(Call call)
    {
        (ImmutableArray<KeyInfo> keys, string? nextMarker, ImmutableArray<string>? unreadable) = await ListPageAsync(call);
        ListKeysAnswer answer = new(true, "keys listed successfully", keys, nextMarker is not null, nextMarker)
        {
            UnreadableKeyIds = unreadable,
        };
        call.Write(answer, AdminJson.Default.ListKeysAnswer);
        return KmsError.None;
    }

    public async ValueTask<KmsError> ListLegacyAsync(Call call)
    {
        (ImmutableArray<KeyInfo> keys, string? nextMarker, _) = await ListPageAsync(call);
        call.Write(new LegacyListKeysAnswer(keys, nextMarker is not null, nextMarker), AdminJson.Default.LegacyListKeysAnswer);
        return KmsError.None;
    }

    public static void WriteNoCreatedKey(Utf8JsonWriter writer, Call call)
    {
        writer.WriteString("key_id", "");
        writer.WriteNull("key_metadata");
    }

    public static void WriteNoDescription(Utf8JsonWriter writer, Call call)
    {
        writer.WriteNull("key_metadata");
        writer.WriteNull("impact");
    }

    public static void WriteNoPage(Utf8JsonWriter writer, Call call)
    {
        writer.WriteStartArray("keys");
        writer.WriteEndArray();
        writer.WriteBoolean("truncated", false);
        writer.WriteNull("next_marker");
    }

    private async ValueTask<KeyDescription> CreateKeyAsync(Call call)
    {
        NewKeyRequest request = NewKeyRequest.Read(call.Body.Span);
        NewKey key = await request.NameAsync(id => IsTakenAsync(id, call.Cancellation));
        KeyDescription created = await administration.CreateAsync(key, call.Actor, call.Cancellation);
        call.Audit.Note(created);
        return created;
    }

    private async ValueTask<bool> IsTakenAsync(string id, CancellationToken cancellation)
    {
        using SnapshotLease lease = service.Acquire();
        if (!lease.Snapshot.IsRunning)
        {
            return false;
        }

        (KmsError error, bool isKey) = await lease.Snapshot.Backends[0].Backend!.HasKeyAsync(id, cancellation);
        return error == KmsError.None ? isKey : throw new KmsException(error);
    }

    private static async ValueTask<KeyDescription> FindAsync(Snapshot snapshot, string reference, Call call)
    {
        (KmsError error, KeyDescription? key) = await DataKeys.DescribeAsync(snapshot, reference, call.Cancellation);
        if (error != KmsError.None)
        {
            throw new KmsException(error);
        }

        call.Audit.Note(key!);
        return key!;
    }

    private async ValueTask<(ImmutableArray<KeyInfo> Keys, string? NextMarker, ImmutableArray<string>? Unreadable)> ListPageAsync(Call call)
    {
        KeyFilter filter = KeyFilter.Read(call);
        int limit = DefaultPage;
        if (call.Query.TryGetValue("limit", out string? text))
        {
            limit = ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong asked)
                ? (int)Math.Min(asked, LargestPage)
                : throw new KmsException(KmsError.MalformedRequest, "invalid limit: expected a non-negative integer");
        }

        using SnapshotLease lease = service.Acquire();
        if (!lease.Snapshot.IsRunning)
        {
            throw new KmsException(KmsError.NotRunning);
        }

        IKeyBackend backend = lease.Snapshot.Backends[0].Backend!;
        string? marker = call.Query.GetValueOrDefault("marker") is { Length: > 0 } given ? given : null;
        KeyPage page = limit == 0 ? new KeyPage([], NextMarker: null) : await backend.ListAsync(marker, limit, call.Cancellation);
        ImmutableArray<KeyInfo> keys = [.. page.Keys.Where(filter.Admits).Select(key => KeyInfo.From(key, backend.Capabilities))];
        return (keys, page.NextMarker, backend.Unreadable.IsEmpty ? null : [.. backend.Unreadable.Select(key => key.Name)]);
    }
}
