using System.Buffers;
using System.Globalization;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;

namespace KmsSidecar.Vault;

/// <summary>Records below one prefix of a KV v2 mount: read, written with check-and-set, listed, destroyed.</summary>
/// <remarks>
/// <para>Thread-safe. Paths are relative to the prefix; their segments go into the URL as they are, so they are key ids (or
/// <c>ID/versions/N</c>), and anything else throws.</para>
/// <para>Answers are parsed here and what is not of Vault's shape is <see cref="VaultFault.NotVault"/>. A 404 by which the server says more than
/// that there is no record (a mount or a namespace that is not there) is <see cref="VaultFault.Rejected"/>: no key must seem to be missing then.</para>
/// </remarks>
internal sealed class KeyValueStore
{
    private const string Data = "data";
    private const string Metadata = "metadata";
    private const int MaxFrameLength = 64;

    private static readonly SearchValues<char> SegmentAlphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    /// <summary>What goes into a URL and into a policy as it is.</summary>
    private static readonly SearchValues<char> SettingAlphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-~@:=,/");

    private readonly IVault _vault;

    /// <param name="mount">Path of the mount; slashes around it do not count.</param>
    /// <param name="prefix">Path below the mount that all records have; may be empty.</param>
    /// <exception cref="KmsException">InvalidConfiguration: one of them is no path that can be sent as it is.</exception>
    public KeyValueStore(IVault vault, string mount, string prefix)
    {
        _vault = vault;
        Mount = mount.Trim('/');
        Prefix = prefix.Trim('/');
        Require("KV mount", Mount);
        if (Prefix.Length > 0)
        {
            Require("key path prefix", Prefix);
        }
    }

    public string Mount { get; }

    public string Prefix { get; }

    /// <summary>As a policy names it.</summary>
    /// <param name="path">May end in <c>*</c>.</param>
    public string DataPath(string path) => Join(Data, path);

    /// <inheritdoc cref="DataPath"/>
    public string MetadataPath(string path) => Join(Metadata, path);

    /// <summary>For people: how <c>vault kv</c> names the record.</summary>
    public string NameOf(string path) => $"-mount={Mount} {(Prefix.Length == 0 ? path : $"{Prefix}/{path}")}";

    /// <summary>The newest version of a record.</summary>
    /// <returns>The caller disposes it.</returns>
    public async ValueTask<KeyValueRead> ReadAsync(string path, CancellationToken cancellation)
    {
        VaultAnswer answer = await _vault.SendAsync(new VaultCall("kv-read", HttpMethod.Get, PathOf(Data, path), VaultRepeat.Safe), cancellation);
        KeyValueBody body = KeyValueBody.Read(answer.Body);
        (VaultFault fault, string sentence) = answer.Fault switch
        {
            VaultFault.None when body is { HasRecord: true, Version: > 0 } => (VaultFault.None, ""),
            VaultFault.None => NotVault("no record in an answer of 200"),
            VaultFault.NotFound => Missing(answer, in body, what: $"{Mount}/{Prefix}/{path} does not exist"),
            _ => (answer.Fault, answer.Sentence),
        };
        return new KeyValueRead(answer, fault, sentence, body.Version, body.Record);
    }

    /// <summary>Stores a record if its newest version is still <paramref name="cas"/>. Sent once.</summary>
    /// <param name="record">A JSON object.</param>
    /// <param name="cas">Version that was read; 0 for a record that must not exist yet.</param>
    public async ValueTask<KeyValueWrite> WriteAsync(string path, ReadOnlyMemory<byte> record, long cas, CancellationToken cancellation)
    {
        using SecretBuffer request = new(record.Length + MaxFrameLength);
        request.Write("""{"data":"""u8);
        request.Write(record.Span);
        request.Write(""","options":{"cas":"""u8);
        cas.TryFormat(request.GetSpan(MaxFrameLength), out int digits, provider: CultureInfo.InvariantCulture);
        request.Advance(digits);
        request.Write("}}"u8);
        using VaultAnswer answer = await _vault.SendAsync(
            new VaultCall("kv-write", HttpMethod.Post, PathOf(Data, path), VaultRepeat.Never, request.WrittenMemory), cancellation);
        KeyValueBody body = KeyValueBody.Read(answer.Body);
        bool isConflict = answer.Fault == VaultFault.Rejected && answer.Reason.Contains("check-and-set", StringComparison.Ordinal);
        (VaultFault fault, string sentence) = answer.Fault switch
        {
            VaultFault.None when body.Version > 0 => (VaultFault.None, ""),
            VaultFault.None => NotVault("no version in the answer to a write"),
            VaultFault.NotFound => Missing(answer, in body, what: ""),
            _ => (answer.Fault, answer.Sentence),
        };
        return fault == VaultFault.NotFound
            ? new KeyValueWrite(VaultFault.Rejected, $"{_vault.Name} answers a write to '{Mount}' with 404; see what is mounted there: vault secrets list -detailed", isConflict, 0)
            : new KeyValueWrite(fault, sentence, isConflict, body.Version);
    }

    /// <summary>What there is right below a path; empty for the prefix itself.</summary>
    public async ValueTask<KeyValueList> ListAsync(string path, CancellationToken cancellation)
    {
        using VaultAnswer answer = await _vault.SendAsync(
            new VaultCall("kv-list", VaultCall.List, PathOf(Metadata, path), VaultRepeat.Safe), cancellation);
        KeyValueBody body = KeyValueBody.Read(answer.Body);
        (VaultFault fault, string sentence) = answer.Fault switch
        {
            VaultFault.None when body.Names is not null => (VaultFault.None, ""),
            VaultFault.None => NotVault("no keys in the answer to a listing"),
            VaultFault.NotFound => Missing(answer, in body, what: ""),
            _ => (answer.Fault, answer.Sentence),
        };
        return fault is VaultFault.None or VaultFault.NotFound
            ? new KeyValueList(VaultFault.None, "", [.. body.Names ?? []])
            : new KeyValueList(fault, sentence, []);
    }

    /// <summary>Removes a record with all its versions for good. One that is not there is removed.</summary>
    /// <returns>None, or why it is not known to be gone.</returns>
    public async ValueTask<(VaultFault Fault, string Sentence)> DestroyAsync(string path, CancellationToken cancellation)
    {
        using VaultAnswer answer = await _vault.SendAsync(
            new VaultCall("kv-destroy", HttpMethod.Delete, PathOf(Metadata, path), VaultRepeat.Never), cancellation);
        if (answer.Fault != VaultFault.NotFound)
        {
            return (answer.Fault, answer.Sentence);
        }

        KeyValueBody body = KeyValueBody.Read(answer.Body);
        (VaultFault fault, string sentence) = Missing(answer, in body, what: "");
        return fault == VaultFault.NotFound ? (VaultFault.None, "") : (fault, sentence);
    }

    /// <summary>What a 404 means.</summary>
    private (VaultFault Fault, string Sentence) Missing(VaultAnswer answer, in KeyValueBody body, string what)
    {
        if (body is { HasErrors: false, Version: 0 })
        {
            return NotVault("a 404 that is not Vault's");
        }

        if (answer.Reason.Length == 0)
        {
            return (VaultFault.NotFound, what);
        }

        bool isMount = answer.Reason.Contains("no handler for route", StringComparison.Ordinal);
        return (VaultFault.Rejected, isMount
            ? $"there is no mount '{Mount}' at {_vault.Name}; make it with: vault secrets enable -path={Mount} -version=2 kv"
            : answer.Sentence);
    }

    private (VaultFault Fault, string Sentence) NotVault(string found) =>
        (VaultFault.NotVault, $"{_vault.Name} does not answer as a KV v2 mount does at '{Mount}' ({found}); see that the address is Vault's own");

    /// <exception cref="ArgumentException">A segment of the path could be taken for something else.</exception>
    private string PathOf(string kind, string path) =>
        path.Length == 0 || path.Split('/').All(IsSegment) ? Join(kind, path) : throw new ArgumentException("the path is not one of a key", nameof(path));

    private string Join(string kind, string path) =>
        string.Join('/', ((string[])[Mount, kind, Prefix, path]).Where(static part => part.Length > 0));

    private static bool IsSegment(string segment) =>
        segment.Length > 0 && segment[0] != '.' && !segment.AsSpan().ContainsAnyExcept(SegmentAlphabet);

    private static void Require(string setting, string path)
    {
        if (path.AsSpan().ContainsAnyExcept(SettingAlphabet) || path.Split('/').Any(static segment => segment is "" or "." or ".."))
        {
            throw new KmsException(
                KmsError.InvalidConfiguration, $"the {setting} '{path}' is not a path of A-Z a-z 0-9 . _ - ~ @ : = , with slashes between");
        }
    }
}
