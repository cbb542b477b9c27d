using KmsSidecar.Crypto.Hardware;

namespace KmsSidecar.Crypto;

/// <summary>What does the work of an <see cref="AeadKey"/>: the processor's own instructions, or the framework's ciphers where it has none.</summary>
/// <remarks>All engines give the same bytes. They keep nothing between calls, so any number of threads may share one, and a prepared key.
/// Lengths are the caller's to check.</remarks>
internal abstract class AeadEngine
{
    /// <summary>On OpenSSL, everywhere.</summary>
    public static AeadEngine Framework { get; } = new FrameworkEngine();

    /// <summary>AES-NI and PCLMULQDQ, or ARMv8's; null where the processor has neither.</summary>
    public static AeadEngine? Hardware { get; } =
        X86Aes.IsSupported ? new HardwareEngine<X86Aes>()
        : ArmAes.IsSupported ? new HardwareEngine<ArmAes>()
        : null;

    /// <summary>What keys use that are made from now on.</summary>
    /// <remarks>Set at the start of the process, if at all: keys go on with the engine they were made with.</remarks>
    public static AeadEngine Current { get; set; } = Hardware ?? Framework;

    /// <summary>For people.</summary>
    public abstract string Name { get; }

    /// <summary>Bytes that <see cref="Prepare"/> writes.</summary>
    public abstract int StateLength { get; }

    /// <summary>Computes once what every call with this key needs.</summary>
    /// <param name="key">32 bytes.</param>
    /// <param name="state"><see cref="StateLength"/> bytes, as secret as the key; the caller wipes them.</param>
    public abstract void Prepare(ReadOnlySpan<byte> key, Span<byte> state);

    /// <summary>AES-256-GCM.</summary>
    /// <param name="destination">Ciphertext, then the tag; may not overlap the plaintext.</param>
    public abstract void Seal(
        ReadOnlySpan<byte> state, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> destination);

    /// <summary>AES-256-GCM. False, with a destination of zeroes, when the tag does not verify.</summary>
    /// <param name="sealed">At least a tag.</param>
    public abstract bool TryOpen(
        ReadOnlySpan<byte> state, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> @sealed, ReadOnlySpan<byte> associatedData, Span<byte> destination);

    /// <summary>The key of one message under XAES-256-GCM (<see cref="Xaes"/>).</summary>
    /// <param name="derived">32 bytes; the caller wipes them.</param>
    public abstract void DeriveKey(ReadOnlySpan<byte> state, ReadOnlySpan<byte> input, Span<byte> derived);

    /// <summary>XAES-256-GCM; otherwise as <see cref="Seal"/>.</summary>
    public abstract void SealXaes(
        ReadOnlySpan<byte> state, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> destination);

    /// <summary>XAES-256-GCM; otherwise as <see cref="TryOpen"/>.</summary>
    public abstract bool TryOpenXaes(
        ReadOnlySpan<byte> state, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> @sealed, ReadOnlySpan<byte> associatedData, Span<byte> destination);
}
