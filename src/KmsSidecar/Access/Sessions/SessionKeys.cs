using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using KmsSidecar.Crypto;
using KmsSidecar.Sealing;

namespace KmsSidecar.Access.Sessions;

/// <summary>Makes and opens session tokens with keys of the node's own, so that nothing about a session is stored.</summary>
/// <remarks>
/// <para>Token: base64url of <c>nonce(24) | XAES-256-GCM(claims) | tag(16)</c>. Secret key: the first 40 characters of base64url of
/// <c>HMAC-SHA256(key, "secret" | access key)</c>; the access key is 80 random bits, so no two sessions share a secret.</para>
/// <para>Tokens outlast a restart, and end with the node's master key. Safe for concurrent use.</para>
/// </remarks>
internal sealed class SessionKeys : IDisposable
{
    public const string AccessKeyPrefix = "ASIA";

    public const int AccessKeyChars = 20;

    /// <summary>Characters, and bytes, of a session's secret key.</summary>
    public const int SecretChars = 40;

    /// <summary>Longer tokens are refused unread; the longest one issued is below 3 KiB.</summary>
    public const int MaxTokenChars = 8 * 1024;

    private const string Characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    private const int Overhead = AeadKey.XaesNonceLength + AeadKey.TagLength;

    private static readonly SearchValues<char> Alphabet = SearchValues.Create(Characters);

    private readonly AeadKey _tokenKey;
    private readonly SecretBytes _macKey;

    public SessionKeys(NodeMasterKey masterKey)
    {
        using SecretBytes tokenKey = masterKey.DeriveKey("session-token");
        _tokenKey = AeadKey.From(tokenKey.Span);
        _macKey = masterKey.DeriveKey("session-secret");
    }

    private static ReadOnlySpan<byte> Binding => "kms-sidecar/session/1"u8;

    /// <summary>A new access key, in the form that AWS gives to temporary ones.</summary>
    public static string NewAccessKey() =>
        AccessKeyPrefix + RandomNumberGenerator.GetString(Characters, AccessKeyChars - AccessKeyPrefix.Length);

    public static bool IsTemporary(string accessKey) =>
        accessKey.Length == AccessKeyChars
        && accessKey.StartsWith(AccessKeyPrefix, StringComparison.Ordinal)
        && !accessKey.AsSpan(AccessKeyPrefix.Length).ContainsAnyExcept(Alphabet);

    public string Seal(SessionClaims claims)
    {
        byte[] content = claims.Encode();
        byte[] token = new byte[Overhead + content.Length];
        Span<byte> nonce = token.AsSpan(0, AeadKey.XaesNonceLength);
        RandomBytes.Fill(nonce);
        _tokenKey.SealXaes(nonce, content, Binding, token.AsSpan(AeadKey.XaesNonceLength));
        return Base64Url.EncodeToString(token);
    }

    /// <summary>False for whatever this node did not issue. Says nothing about time or the user's state.</summary>
    public bool TryOpen(string token, [NotNullWhen(true)] out SessionClaims? claims)
    {
        claims = null;
        if (token.Length > MaxTokenChars || !Base64Url.IsValid(token, out int length) || length < Overhead || !IsCanonical(token))
        {
            return false;
        }

        byte[] bytes = Base64Url.DecodeFromChars(token);
        byte[] content = new byte[bytes.Length - Overhead];
        claims = _tokenKey.TryOpenXaes(bytes.AsSpan(0, AeadKey.XaesNonceLength), bytes.AsSpan(AeadKey.XaesNonceLength), Binding, content)
            ? SessionClaims.Decode(content)
            : null;
        return claims is not null;
    }

    /// <summary>Writes the secret key of a session: <see cref="SecretChars"/> bytes of ASCII, the caller's to wipe.</summary>
    public void WriteSecret(string accessKey, Span<byte> destination)
    {
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Span<byte> text = stackalloc byte[Base64Url.GetEncodedLength(HMACSHA256.HashSizeInBytes)];
        try
        {
            HMACSHA256.HashData(_macKey.Span, Encoding.ASCII.GetBytes($"secret{accessKey}"), mac);
            Base64Url.EncodeToUtf8(mac, text, out _, out _);
            text[..SecretChars].CopyTo(destination);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(mac);
            CryptographicOperations.ZeroMemory(text);
        }
    }

    /// <summary>Stands for a user's secret in a token, without telling anything about it.</summary>
    public byte[] BindingOf(ReadOnlySpan<byte> secret)
    {
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        using IncrementalHash hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _macKey.Span);
        hash.AppendData("parent"u8);
        hash.AppendData(secret);
        hash.GetHashAndReset(mac);
        return mac[..SessionClaims.BindingBytes].ToArray();
    }

    public void Dispose()
    {
        _tokenKey.Dispose();
        _macKey.Dispose();
    }

    /// <summary>The decoder passes over blanks, and over bits behind the last byte; a token has one spelling.</summary>
    private static bool IsCanonical(string token) => token == Base64Url.EncodeToString(Base64Url.DecodeFromChars(token));
}
