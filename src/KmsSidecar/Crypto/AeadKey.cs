using System.Security.Cryptography;

namespace KmsSidecar.Crypto;

/// <summary>One 256-bit key that seals and opens spans. Nothing else in the project touches a cipher.</summary>
/// <remarks>
/// <para>AES-256-GCM (NIST SP 800-38D) with a 96-bit nonce, and XAES-256-GCM (C2SP) with a 192-bit nonce, both with a 128-bit tag.
/// Sealed bytes are <c>ciphertext(n) | tag(16)</c>; destinations may not overlap sources.</para>
/// <para>At most 2^32 seals per key with random 96-bit nonces (SP 800-38D, 8.3); with 192-bit nonces there is no such ceiling.</para>
/// <para>Safe for concurrent use until disposed: a cipher object is made per call, because one <see cref="AesGcm"/> shared by
/// threads corrupts its results on Linux (its OpenSSL context is stateful).</para>
/// <para>Wrong lengths and overlaps throw <see cref="ArgumentException"/>: whoever takes a nonce from a caller checks it first.</para>
/// </remarks>
internal sealed class AeadKey : IDisposable
{
    public const int KeyLength = 256 / 8;
    public const int TagLength = 128 / 8;
    public const int GcmNonceLength = 96 / 8;
    public const int XaesNonceLength = 192 / 8;

    private readonly SecretBytes _key;

    private AeadKey(SecretBytes key) => _key = key;

    /// <summary>Copies the key; the source stays the caller's to wipe.</summary>
    /// <param name="key">Exactly <see cref="KeyLength"/> bytes.</param>
    public static AeadKey From(ReadOnlySpan<byte> key)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeyLength);
        return new AeadKey(SecretBytes.CopyOf(key));
    }

    /// <summary>AES-256-GCM.</summary>
    /// <param name="nonce"><see cref="GcmNonceLength"/> bytes, never twice under one key.</param>
    /// <param name="destination">plaintext.Length + <see cref="TagLength"/> bytes.</param>
    public void SealGcm(
        ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> destination)
    {
        Seal(_key.Span, nonce, plaintext, associatedData, destination);
        DiscardIfDisposed(destination);
    }

    /// <summary>AES-256-GCM. False when the tag does not verify or the input is shorter than a tag; the destination is then zero.</summary>
    /// <param name="nonce"><see cref="GcmNonceLength"/> bytes.</param>
    /// <param name="destination">@sealed.Length - <see cref="TagLength"/> bytes.</param>
    public bool TryOpenGcm(
        ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> @sealed, ReadOnlySpan<byte> associatedData, Span<byte> destination) =>
        TryOpen(_key.Span, nonce, @sealed, associatedData, destination);

    /// <summary>XAES-256-GCM.</summary>
    /// <param name="nonce"><see cref="XaesNonceLength"/> bytes, never twice under one key.</param>
    /// <param name="destination">plaintext.Length + <see cref="TagLength"/> bytes.</param>
    public void SealXaes(
        ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> destination)
    {
        RequireXaesNonce(nonce);
        Span<byte> derived = stackalloc byte[KeyLength];
        try
        {
            Xaes.DeriveKey(_key.Span, nonce[..Xaes.DerivationInputLength], derived);
            Seal(derived, nonce[Xaes.DerivationInputLength..], plaintext, associatedData, destination);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(derived);
        }

        DiscardIfDisposed(destination);
    }

    /// <summary>XAES-256-GCM; otherwise as <see cref="TryOpenGcm"/>.</summary>
    /// <param name="nonce"><see cref="XaesNonceLength"/> bytes.</param>
    /// <param name="destination">@sealed.Length - <see cref="TagLength"/> bytes.</param>
    public bool TryOpenXaes(
        ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> @sealed, ReadOnlySpan<byte> associatedData, Span<byte> destination)
    {
        RequireXaesNonce(nonce);
        Span<byte> derived = stackalloc byte[KeyLength];
        try
        {
            Xaes.DeriveKey(_key.Span, nonce[..Xaes.DerivationInputLength], derived);
            return TryOpen(derived, nonce[Xaes.DerivationInputLength..], @sealed, associatedData, destination);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(derived);
        }
    }

    public void Dispose() => _key.Dispose();

    private static void Seal(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData,
        Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(nonce.Length, GcmNonceLength);
        ArgumentOutOfRangeException.ThrowIfNotEqual(destination.Length, plaintext.Length + TagLength);
        RequireApart(plaintext, destination);

        using AesGcm cipher = new(key, TagLength);
        cipher.Encrypt(nonce, plaintext, destination[..plaintext.Length], destination[plaintext.Length..], associatedData);
    }

    private static bool TryOpen(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> @sealed, ReadOnlySpan<byte> associatedData,
        Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(nonce.Length, GcmNonceLength);
        ArgumentOutOfRangeException.ThrowIfNotEqual(destination.Length, Math.Max(@sealed.Length - TagLength, 0));
        RequireApart(@sealed, destination);
        if (@sealed.Length < TagLength)
        {
            return false;
        }

        using AesGcm cipher = new(key, TagLength);
        try
        {
            cipher.Decrypt(nonce, @sealed[..^TagLength], @sealed[^TagLength..], destination, associatedData);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            CryptographicOperations.ZeroMemory(destination);
            return false;
        }
    }

    private static void RequireXaesNonce(ReadOnlySpan<byte> nonce) =>
        ArgumentOutOfRangeException.ThrowIfNotEqual(nonce.Length, XaesNonceLength);

    private static void RequireApart(ReadOnlySpan<byte> source, ReadOnlySpan<byte> destination)
    {
        if (source.Overlaps(destination))
        {
            throw new ArgumentException("source and destination overlap", nameof(destination));
        }
    }

    /// <summary>A second net under the owner's duty to dispose last: what was sealed while the key was being zeroed may be sealed
    /// under zeroes, which anyone opens.</summary>
    private void DiscardIfDisposed(Span<byte> destination)
    {
        if (_key.IsDisposed)
        {
            destination.Clear();
            throw new ObjectDisposedException(nameof(AeadKey));
        }
    }
}
