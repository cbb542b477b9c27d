using System.Buffers.Binary;
using System.Security.Cryptography;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Storage;

namespace KmsSidecar.Sealing;

/// <summary>What slow derivations gave, sealed under the node's master key, so that a start need not wait for them again.</summary>
/// <remarks>
/// <para>A kept key tells whoever can open it nothing new: the same state directory, under the same master key, holds the password that it was
/// derived from, or that master key is the password. It may outlast the stored configuration that it was made for: it goes when the first
/// new key is kept after a restart.</para>
/// <para>One file for each, named by <c>HMAC-SHA256(name key, version(1) | salt length(4, big-endian) | salt | password)</c> in hex; the seal
/// is bound to the name. A file that is missing, damaged or another node's is not an error: the key is derived again.</para>
/// <para>Safe for concurrent use until disposed; the master key must outlive it.</para>
/// </remarks>
internal sealed class DerivedKeys : IDisposable
{
    /// <summary>How many are kept: the last ones that were used.</summary>
    public const int Kept = 16;

    /// <summary>Of the derivation and its parameters: with others, what was kept must not be found.</summary>
    private const byte Version = 1;

    private readonly DurableDirectory _directory;
    private readonly SealedFiles _files;
    private readonly SecretBytes _nameKey;
    private readonly Action<string> _reportNotKept;
    private readonly Lock _gate = new();

    /// <summary>Names that this process has asked for, the last one at the end.</summary>
    private readonly List<string> _used = [];

    private bool _hasReported;

    /// <param name="directory">Made when the first key is kept, so that a start does not fail for want of it.</param>
    /// <param name="reportNotKept">Told once why a key could not be written.</param>
    public DerivedKeys(NodeMasterKey masterKey, DurableDirectory directory, Action<string> reportNotKept)
    {
        _directory = directory;
        _files = masterKey.Seal(directory, "derived-keys");
        _nameKey = masterKey.DeriveKey("derived-key-name");
        _reportNotKept = reportNotKept;
    }

    /// <summary>The kept key, or else what the derivation gives.</summary>
    /// <param name="mayKeep">False to leave the disk as it is.</param>
    /// <returns>The caller's to dispose.</returns>
    public SecretBytes GetOrDerive(ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt, KeyDerivation derive, bool mayKeep)
    {
        string name = NameOf(password, salt);
        NoteUse(name);
        if (TryRead(name) is { } kept)
        {
            return kept;
        }

        SecretBytes derived = derive(password, salt);
        if (mayKeep)
        {
            Keep(name, derived);
        }

        return derived;
    }

    public void Dispose() => _nameKey.Dispose();

    private string NameOf(ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt)
    {
        Span<byte> head = stackalloc byte[sizeof(byte) + sizeof(int)];
        head[0] = Version;
        BinaryPrimitives.WriteInt32BigEndian(head[sizeof(byte)..], salt.Length);
        using IncrementalHash hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _nameKey.Span);
        hash.AppendData(head);
        hash.AppendData(salt);
        hash.AppendData(password);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static bool IsName(string name) => name.Length == 2 * HMACSHA256.HashSizeInBytes && name.All(char.IsAsciiHexDigitLower);

    private void NoteUse(string name)
    {
        lock (_gate)
        {
            _used.Remove(name);
            _used.Add(name);
            if (_used.Count > Kept)
            {
                _used.RemoveAt(0);
            }
        }
    }

    private SecretBytes? TryRead(string name)
    {
        try
        {
            if (_files.TryRead(name, out SecretBytes? content) is null)
            {
                if (content!.Length == AeadKey.KeyLength)
                {
                    return content;
                }

                content.Dispose();
            }
        }
        catch (KmsException)
        {
            // Unreadable is as good as missing.
        }

        return null;
    }

    /// <summary>Writes one, and removes those that this process has not used, or not for long.</summary>
    private void Keep(string name, SecretBytes derived)
    {
        lock (_gate)
        {
            try
            {
                _directory.EnsurePrivate();
                _directory.Recover();
                foreach (string unused in _directory.List().Where(IsName).Except(_used, StringComparer.Ordinal))
                {
                    _directory.Delete(unused);
                }

                _files.Write(name, derived.Span);
            }
            catch (KmsException refused)
            {
                if (!_hasReported)
                {
                    _hasReported = true;
                    _reportNotKept(refused.Message);
                }
            }
        }
    }
}
