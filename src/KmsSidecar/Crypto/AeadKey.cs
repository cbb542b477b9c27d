namespace KmsSidecar.Crypto;

/// <summary>One 256-bit key that seals and opens spans. Nothing outside of this folder touches a cipher.</summary>
/// <remarks>
/// <para>AES-256-GCM (NIST SP 800-38D) with a 96-bit nonce, and XAES-256-GCM (C2SP) with a 192-bit nonce, both with a 128-bit tag.
/// Sealed bytes are <c>ciphertext(n) | tag(16)</c>; destinations may not overlap sources.</para>
/// <para>At most 2^32 seals per key with random 96-bit nonces (SP 800-38D, 8.3); with 192-bit nonces there is no such ceiling.</para>
/// <para>Safe for concurrent use until disposed: the key schedule is computed once and then only read.</para>
/// <para>Wrong lengths and overlaps throw <see cref="ArgumentException"/>: whoever takes a nonce from a caller checks it first.</para>
/// </remarks>
internal sealed class AeadKey : IDisposable
{
    public const int KeyLength = 256 / 8;
    public const int TagLength = 128 / 8;
    public const int GcmNonceLength = 96 / 8;
    public const int XaesNonceLength = 192 / 8;

    private readonly AeadEngine _engine;
    private readonly SecretBytes _state;

    private AeadKey(AeadEngine engine, SecretBytes state) => (_engine, _state) = (engine, state);

    /// <summary>Computes what sealing and opening need; the source stays the caller's to wipe.</summary>
    /// <param name="key">Exactly <see cref="KeyLength"/> bytes.</param>
    /// <param name="engine">Null for <see cref="AeadEngine.Current"/>.</param>
    public static AeadKey From(ReadOnlySpan<byte> key, AeadEngine? engine = null)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeyLength);
        engine ??= AeadEngine.Current;
        SecretBytes state = SecretBytes.Allocate(engine.StateLength);
        engine.Prepare(key, state.Span);
        return new AeadKey(engine, state);
    }

    /// <summary>AES-256-GCM.</summary>
    /// <param name="nonce"><see cref="GcmNonceLength"/> bytes, never twice under one key.</param>
    /// <param name="destination">plaintext.Length + <see cref="TagLength"/> bytes.</param>
    public void SealGcm(
        ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(nonce.Length, GcmNonceLength);
        CheckSeal(plaintext, destination);
        _engine.Seal(_state.Span, nonce, plaintext, associatedData, destination);
        DiscardIfDisposed(destination);
    }

    /// <summary>AES-256-GCM. False when the tag does not verify or the input is shorter than a tag; the destination is then zero.</summary>
    /// <param name="nonce"><see cref="GcmNonceLength"/> bytes.</param>
    /// <param name="destination">@sealed.Length - <see cref="TagLength"/> bytes.</param>
    public bool TryOpenGcm(
        ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> @sealed, ReadOnlySpan<byte> associatedData, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(nonce.Length, GcmNonceLength);
        CheckOpen(@sealed, destination);
        return @sealed.Length >= TagLength && _engine.TryOpen(_state.Span, nonce, @sealed, associatedData, destination);
    }

    /// <summary>XAES-256-GCM.</summary>
    /// <param name="nonce"><see cref="XaesNonceLength"/> bytes, never twice under one key.</param>
    /// <param name="destination">plaintext.Length + <see cref="TagLength"/> bytes.</param>
    public void SealXaes(
        ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(nonce.Length, XaesNonceLength);
        CheckSeal(plaintext, destination);
        _engine.SealXaes(_state.Span, nonce, plaintext, associatedData, destination);
        DiscardIfDisposed(destination);
    }

    /// <summary>XAES-256-GCM; otherwise as <see cref="TryOpenGcm"/>.</summary>
    /// <param name="nonce"><see cref="XaesNonceLength"/> bytes.</param>
    /// <param name="destination">@sealed.Length - <see cref="TagLength"/> bytes.</param>
    public bool TryOpenXaes(
        ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> @sealed, ReadOnlySpan<byte> associatedData, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(nonce.Length, XaesNonceLength);
        CheckOpen(@sealed, destination);
        return @sealed.Length >= TagLength && _engine.TryOpenXaes(_state.Span, nonce, @sealed, associatedData, destination);
    }

    public void Dispose() => _state.Dispose();

    private static void CheckSeal(ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(destination.Length, plaintext.Length + TagLength);
        RequireApart(plaintext, destination);
    }

    private static void CheckOpen(ReadOnlySpan<byte> @sealed, ReadOnlySpan<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(destination.Length, Math.Max(@sealed.Length - TagLength, 0));
        RequireApart(@sealed, destination);
    }

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
        if (_state.IsDisposed)
        {
            destination.Clear();
            throw new ObjectDisposedException(nameof(AeadKey));
        }
    }
}
