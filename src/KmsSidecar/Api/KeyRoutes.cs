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
        KeyDescription key = await FindAsync(call, call.PathParameter!);
        call.Write(
            new DescribeKeyAnswer(true, "Key described successfully", KeyMetadata.From(key), Impact: null), AdminJson.Default.DescribeKeyAnswer);
        return KmsError.None;
    }

    public async ValueTask<KmsError> DescribeLegacyAsync(Call call)
    {
        string id = ((string[])["keyId", "key-id", "key"]).Select(call.Query.GetValueOrDefault).FirstOrDefault(value => value?.Length > 0)
            ?? throw new KmsException(KmsError.MalformedRequest, "missing required parameter: 'keyId'");
        KeyDescription key = await FindAsync(call, id);
        call.Write(new LegacyDescribeKeyAnswer(KeyMetadata.From(key)), AdminJson.Default.LegacyDescribeKeyAnswer);
        return KmsError.None;
    }

    /// <summary>For RustFS, on the data socket: also the key's version.</summary>
    public async ValueTask<KmsError> DescribeForDataAsync(Call call)
    {
        KeyDescription key = await FindAsync(call, call.PathParameter!);
        call.Write(DataKeyDescription.From(key), AdminJson.Default.DataKeyDescription);
        return KmsError.None;
    }

    public async ValueTask<KmsError> ListAsync(Call call)
    {
        (KeyPage page, ImmutableArray<string>? unreadable) = await ListPageAsync(call);
        ListKeysAnswer answer = new(
            true, "keys listed successfully", [.. page.Keys.Select(KeyInfo.From)], page.NextMarker is not null, page.NextMarker)
        {
            UnreadableKeyIds = unreadable,
        };
        call.Write(answer, AdminJson.Default.ListKeysAnswer);
        return KmsError.None;
    }

    public async ValueTask<KmsError> ListLegacyAsync(Call call)
    {
        (KeyPage page, _) = await ListPageAsync(call);
        call.Write(
            new LegacyListKeysAnswer([.. page.Keys.Select(KeyInfo.From)], page.NextMarker is not null, page.NextMarker),
            AdminJson.Default.LegacyListKeysAnswer);
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
        return await administration.CreateAsync(key, call.Actor, call.Cancellation);
    }

    private async ValueTask<bool> IsTakenAsync(string id, CancellationToken cancellation)
    {
        using SnapshotLease lease = service.Acquire();
        return lease.Snapshot.IsRunning && await lease.Snapshot.Backends[0].Backend!.HoldsAsync(id, cancellation);
    }

    private async ValueTask<KeyDescription> FindAsync(Call call, string reference)
    {
        using SnapshotLease lease = service.Acquire();
        (KmsError error, KeyDescription? key) = await DataKeys.DescribeAsync(lease.Snapshot, reference, call.Cancellation);
        return error == KmsError.None ? key! : throw new KmsException(error);
    }

    private async ValueTask<(KeyPage Page, ImmutableArray<string>? Unreadable)> ListPageAsync(Call call)
    {
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
        return (page, backend.Unreadable.IsEmpty ? null : [.. backend.Unreadable.Select(key => key.Name)]);
    }
}
