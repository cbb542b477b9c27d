using KmsSidecar.Audit;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;
using KmsSidecar.Operations;

namespace KmsSidecar.Api;

/// <summary>What the record of a call will say beside what its route and its answer say. Filled in by whoever knows; nothing secret.</summary>
internal sealed class CallAudit
{
    private AuditedKey[]? _items;

    public AuditSubject Subject { get; set; } = AuditSubject.Unknown;

    public AuditedKey Key { get; private set; }

    /// <summary>One for each item of a call that has several, each with an outcome of its own; null where the call is one operation.</summary>
    public ReadOnlySpan<AuditedKey> Items => _items;

    /// <summary>Data keys that were made; 0 for one.</summary>
    public int Count { get; private set; }

    /// <summary>Whom or what it was about, where that is no key.</summary>
    public string? Target { get; set; }

    /// <summary>Of the configuration that it was run on; null where it was none, or changed it.</summary>
    public long? Generation { get; private set; }

    /// <summary>The error's code; null while all goes well.</summary>
    public string? Failure { get; set; }

    /// <summary>It has ended before it was known who asks.</summary>
    public bool IsTurnedAway { get; set; }

    public void Renew()
    {
        Subject = AuditSubject.Unknown;
        Key = default;
        _items = null;
        Count = 0;
        Target = null;
        Generation = null;
        Failure = null;
        IsTurnedAway = false;
    }

    /// <summary>A key that was described or changed.</summary>
    public void Note(KeyDescription key) => Key = new AuditedKey { KeyId = key.KeyId, Version = key.Version };

    public void Note(Snapshot snapshot, in DataKeys.Wrapped wrapped, EncryptionContext context) => Note(snapshot, item: null, wrapped, context);

    /// <param name="item">Its place; null when it is the only one.</param>
    public void Note(Snapshot snapshot, int? item, in DataKeys.Wrapped wrapped, EncryptionContext context) => Note(snapshot, item, Of(wrapped, context));

    public void Note(Snapshot snapshot, in DataKeys.Opened opened, EncryptionContext context) => Note(snapshot, item: null, opened, context);

    /// <param name="item">Its place; null when it is the only one.</param>
    public void Note(Snapshot snapshot, int? item, in DataKeys.Opened opened, EncryptionContext context) => Note(snapshot, item, Of(opened, context));

    /// <summary>The call has so many items, each of which is noted in its place, in any order and on any thread.</summary>
    public void BeginItems(Snapshot snapshot, int count)
    {
        Generation = snapshot.Generation;
        _items = new AuditedKey[count];
    }

    /// <summary>An item that could not even be read.</summary>
    public void NoteItem(int index, KmsError error) => _items![index] = new AuditedKey { Failure = error.ToString() };

    /// <summary>The items were asked for in one and differ in nothing: they are one record.</summary>
    public void MergeItems()
    {
        Key = _items![0];
        Count = _items.Length;
        _items = null;
    }

    private void Note(Snapshot snapshot, int? item, in AuditedKey key)
    {
        if (item is { } index)
        {
            _items![index] = key;
            return;
        }

        Generation = snapshot.Generation;
        Key = key;
    }

    private static AuditedKey Of(in DataKeys.Wrapped wrapped, EncryptionContext context) => new()
    {
        KeyId = wrapped.ActualKeyId,
        Version = wrapped.KeyVersion,
        FromKeyId = wrapped.Source.KeyId,
        FromVersion = wrapped.Source.KeyVersion,
        Context = context.IsEmpty ? default : context.Canonical,
        Failure = CodeOf(wrapped.Error),
    };

    private static AuditedKey Of(in DataKeys.Opened opened, EncryptionContext context) => new()
    {
        KeyId = opened.KeyId.Length == 0 ? null : opened.KeyId,
        Version = opened.KeyVersion,
        Context = context.IsEmpty ? default : context.Canonical,
        Failure = CodeOf(opened.Error),
    };

    private static string? CodeOf(KmsError error) => error == KmsError.None ? null : error.ToString();
}
