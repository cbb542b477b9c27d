using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Vault;

namespace KmsSidecar.Backends.Kv2;

/// <summary>Key records and version records in RustFS's layout of a KV v2 mount: <c>KEY_ID</c> and <c>KEY_ID/versions/N</c>.</summary>
/// <remarks>Thread-safe. Key ids are legal ones; the caller has checked.</remarks>
internal sealed class Kv2Store(KeyValueStore store)
{
    /// <summary>For people: mount and prefix.</summary>
    public string Name => $"{store.Mount}/{store.Prefix}";

    public async Task<Kv2Found<Kv2Record>> ReadAsync(string keyId, CancellationToken cancellation)
    {
        using KeyValueRead read = await store.ReadAsync(keyId, cancellation);
        if (read.Fault != VaultFault.None)
        {
            string missing = $"key not found: '{keyId}'";
            return new(read.Fault.ToError(), read.Fault == VaultFault.NotFound ? missing : read.Sentence, Record: null, read.Version, read.Fault == VaultFault.PolicyDenied);
        }

        Kv2Record? record = Kv2RecordReader.TryRead(read.Record, keyId, out string? fault);
        return new(fault is null ? KmsError.None : KmsError.KeyDamaged, Damage(keyId, fault), record, read.Version);
    }

    public async Task<Kv2Found<Kv2VersionRecord>> ReadVersionAsync(string keyId, uint version, CancellationToken cancellation)
    {
        string path = Kv2VersionRecord.PathOf(keyId, version);
        using KeyValueRead read = await store.ReadAsync(path, cancellation);
        if (read.Fault != VaultFault.None)
        {
            return new(read.Fault.ToError(), read.Sentence, Record: null, read.Version);
        }

        Kv2VersionRecord? record = Kv2VersionRecord.TryRead(read.Record, version, out string? fault);
        return new(fault is null ? KmsError.None : KmsError.KeyDamaged, Damage(path, fault), record, read.Version);
    }

    public async Task<KeyValueWrite> WriteAsync(string keyId, SecretBuffer record, long cas, CancellationToken cancellation) =>
        await store.WriteAsync(keyId, record.WrittenMemory, cas, cancellation);

    public async Task<KeyValueWrite> WriteVersionAsync(string keyId, Kv2VersionRecord record, long cas, CancellationToken cancellation)
    {
        using SecretBuffer text = record.ToUtf8();
        return await store.WriteAsync(Kv2VersionRecord.PathOf(keyId, record.Version), text.WrittenMemory, cas, cancellation);
    }

    /// <summary>Names of all that could be a key record.</summary>
    /// <exception cref="KmsException">A backend error.</exception>
    public async Task<IEnumerable<string>> ListAsync(CancellationToken cancellation) => (await ListAsync("", cancellation)).Records;

    /// <summary>The numbers of the version records of a key, in order.</summary>
    /// <inheritdoc cref="ListAsync(CancellationToken)"/>
    public async Task<List<uint>> ListVersionsAsync(string keyId, CancellationToken cancellation)
    {
        List<uint> versions = [];
        foreach (string name in (await ListAsync(Kv2VersionRecord.FolderOf(keyId), cancellation)).Records)
        {
            if (Kv2VersionRecord.TryParseName(name, out uint version))
            {
                versions.Add(version);
            }
        }

        versions.Sort();
        return versions;
    }

    /// <exception cref="KmsException">A backend error.</exception>
    public Task DestroyAsync(string keyId, CancellationToken cancellation) => DestroyPathAsync(keyId, cancellation);

    /// <exception cref="KmsException">A backend error.</exception>
    public Task DestroyVersionAsync(string keyId, uint version, CancellationToken cancellation) =>
        DestroyPathAsync(Kv2VersionRecord.PathOf(keyId, version), cancellation);

    /// <summary>How an operator names a record to <c>vault kv</c>.</summary>
    public string NameOf(string path) => store.NameOf(path);

    private async Task<KeyValueList> ListAsync(string path, CancellationToken cancellation)
    {
        KeyValueList list = await store.ListAsync(path, cancellation);
        return list.Fault == VaultFault.None ? list : throw list.ToException();
    }

    private async Task DestroyPathAsync(string path, CancellationToken cancellation)
    {
        (VaultFault fault, string sentence) = await store.DestroyAsync(path, cancellation);
        if (fault != VaultFault.None)
        {
            throw new KmsException(fault.ToError(), sentence);
        }
    }

    private string Damage(string path, string? fault) => fault is null
        ? ""
        : $"the record is damaged: {fault}; put an earlier version of it back with: vault kv rollback -version=N {store.NameOf(path)}";
}
