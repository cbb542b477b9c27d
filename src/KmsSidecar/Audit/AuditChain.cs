using System.Buffers.Binary;
using System.Security.Cryptography;
using KmsSidecar.Crypto;

namespace KmsSidecar.Audit;

/// <summary>Turns records into lines, each with a hash over the hash before it and its own bytes, and gathers them until they are written.</summary>
/// <remarks>docs/audit.md has the format. One thread at a time.</remarks>
/// <param name="contextKey">For the hashes of encryption contexts; stays the caller's.</param>
internal sealed class AuditChain(AuditPosition last, SecretBytes contextKey) : IDisposable
{
    /// <summary>A line is shorter: all text in it is bounded.</summary>
    public const int MaxLineBytes = 16 * 1024;

    /// <summary>Of the HMAC-SHA-256 of a context, so many bytes are written.</summary>
    public const int ContextHashBytes = 16;

    /// <summary>What is gathered at most before it is written.</summary>
    private const int MaxPending = 256 * 1024;

    /// <summary>The hash before, then the line: so one call hashes both.</summary>
    private readonly byte[] _line = [.. last.Hash, .. new byte[MaxLineBytes]];

    /// <summary>Kept, since to set one up takes as long as to hash a line.</summary>
    private readonly IncrementalHash _lines = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Kept for the same reason.</summary>
    private readonly IncrementalHash _contexts = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, contextKey.Span);

    private readonly byte[] _pending = new byte[MaxPending];
    private int _pendingLength;

    /// <summary>The number of the last line.</summary>
    public long Sequence { get; private set; } = last.Sequence;

    public AuditPosition Position => new(Sequence, HashBefore.ToArray());

    /// <summary>Whole lines that wait to be written.</summary>
    public ReadOnlySpan<byte> Pending => _pending.AsSpan(0, _pendingLength);

    public bool IsFull => _pendingLength > MaxPending - MaxLineBytes;

    private Span<byte> HashBefore => _line.AsSpan(0, SHA256.HashSizeInBytes);

    /// <summary>What waited has been written.</summary>
    public void Written() => _pendingLength = 0;

    public void Add(in AuditRecord record)
    {
        LineBuilder line = Begin(record.Time);
        line.Add(record.Operation.Members);
        line.Add(record.Subject.Members);
        line.Add(",\"target\":"u8, record.Target);
        AddKey(ref line, record.Key);
        AddIfAny(ref line, ",\"count\":"u8, record.Count);
        if (record.Item is { } item)
        {
            line.Add(",\"item\":"u8, item);
        }

        line.Add(",\"result\":"u8, record.Key.Failure ?? "ok");
        line.Add(",\"status\":"u8, record.Status);
        line.Add(",\"duration_us\":"u8, record.Microseconds);
        AddRequestId(ref line, record.RequestId);
        line.Add(",\"generation\":"u8, record.Generation);
        AddIfAny(ref line, ",\"held_back\":"u8, record.HeldBack);
        End(ref line);
    }

    /// <summary>The first line of a file: what the file goes on from.</summary>
    /// <param name="reason">start, rotation, or missing when the file before has gone.</param>
    /// <param name="keyName">Of the key that signs the heads.</param>
    /// <param name="tornBytes">Behind the last whole line of the file before.</param>
    public void AddFile(long time, string reason, string version, string keyName, int tornBytes)
    {
        LineBuilder line = Begin(time);
        line.Add(",\"kind\":\"file\",\"reason\":"u8, reason);
        line.Add(",\"version\":"u8, version);
        line.Add(",\"key\":"u8, keyName);
        line.AddHex(",\"prev\":"u8, HashBefore);
        AddIfAny(ref line, ",\"torn_bytes\":"u8, tornBytes);
        End(ref line);
    }

    /// <summary>Signs the line before it.</summary>
    /// <param name="heldBack">Refusals that no record tells of yet.</param>
    public void AddHead(long time, AuditSigner signer, long heldBack)
    {
        string signature = Convert.ToHexStringLower(signer.Sign(Position.HeadText));
        LineBuilder line = Begin(time);
        line.Add(",\"kind\":\"head\",\"key\":"u8, signer.KeyName);
        line.Add(",\"signature\":"u8, signature);
        AddIfAny(ref line, ",\"held_back\":"u8, heldBack);
        End(ref line);
    }

    /// <summary>So many operations were done and have no record.</summary>
    public void AddLost(long time, long count)
    {
        LineBuilder line = Begin(time);
        line.Add(",\"kind\":\"lost\",\"count\":"u8, count);
        End(ref line);
    }

    /// <summary>The oldest file goes, and with it everything up to a record.</summary>
    public void AddRemoval(long time, string file, long through)
    {
        LineBuilder line = Begin(time);
        line.Add(",\"kind\":\"removed\",\"file\":"u8, file);
        line.Add(",\"through\":"u8, through);
        End(ref line);
    }

    /// <summary>The process ends, as it should.</summary>
    public void AddEnd(long time)
    {
        LineBuilder line = Begin(time);
        line.Add(",\"kind\":\"end\""u8);
        End(ref line);
    }

    /// <summary>The hash by which lines name an encryption context.</summary>
    /// <param name="hmac">With the node's key for that; ready for the next when it returns.</param>
    /// <param name="canonical">Of the context.</param>
    /// <param name="hash">Receives <see cref="ContextHashBytes"/>.</param>
    public static void HashContext(IncrementalHash hmac, ReadOnlySpan<byte> canonical, Span<byte> hash)
    {
        Span<byte> whole = stackalloc byte[HMACSHA256.HashSizeInBytes];
        hmac.AppendData(canonical);
        hmac.GetHashAndReset(whole);
        whole[..ContextHashBytes].CopyTo(hash);
    }

    public void Dispose()
    {
        _lines.Dispose();
        _contexts.Dispose();
    }

    private LineBuilder Begin(long time)
    {
        Sequence++;
        LineBuilder line = new(_line.AsSpan(SHA256.HashSizeInBytes));
        line.Add("{\"seq\":"u8, Sequence);
        line.AddTime(",\"time\":"u8, time);
        return line;
    }

    private void End(ref LineBuilder line)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        _lines.AppendData(_line.AsSpan(0, SHA256.HashSizeInBytes + line.Length));
        _lines.GetHashAndReset(hash);
        line.AddHex(",\"hash\":"u8, hash);
        line.Add("}\n"u8);
        _line.AsSpan(SHA256.HashSizeInBytes, line.Length).CopyTo(_pending.AsSpan(_pendingLength));
        _pendingLength += line.Length;
        hash.CopyTo(HashBefore);
    }

    private void AddKey(ref LineBuilder line, in AuditedKey key)
    {
        line.Add(",\"key_id\":"u8, key.KeyId);
        AddIfAny(ref line, ",\"key_version\":"u8, key.Version);
        line.Add(",\"from_key_id\":"u8, key.FromKeyId);
        AddIfAny(ref line, ",\"from_key_version\":"u8, key.FromVersion);
        if (!key.Context.IsEmpty)
        {
            Span<byte> hash = stackalloc byte[ContextHashBytes];
            HashContext(_contexts, key.Context.Span, hash);
            line.AddHex(",\"context_hash\":"u8, hash);
        }
    }

    private static void AddIfAny(ref LineBuilder line, scoped ReadOnlySpan<byte> member, long value)
    {
        if (value != 0)
        {
            line.Add(member, value);
        }
    }

    private static void AddRequestId(ref LineBuilder line, UInt128 id)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, id);
        line.AddHex(",\"request_id\":"u8, bytes);
    }
}
