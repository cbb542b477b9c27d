using System.Runtime.Intrinsics;

namespace KmsSidecar.Crypto.Hardware;

/// <summary>The processor's instructions. The state is a <see cref="KeySchedule{T}"/>.</summary>
internal sealed class HardwareEngine<T> : AeadEngine
    where T : struct, IAesInstructions
{
    public override string Name => "the processor's AES instructions";

    public override int StateLength => KeySchedule<T>.Length;

    public override void Prepare(ReadOnlySpan<byte> key, Span<byte> state) => KeySchedule<T>.Prepare(key, state);

    public override void Seal(
        ReadOnlySpan<byte> state, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> destination) =>
        HardwareGcm<T>.Seal(state, nonce, plaintext, associatedData, destination);

    public override bool TryOpen(
        ReadOnlySpan<byte> state, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> @sealed, ReadOnlySpan<byte> associatedData, Span<byte> destination) =>
        HardwareGcm<T>.TryOpen(state, nonce, @sealed, associatedData, destination);

    public override void DeriveKey(ReadOnlySpan<byte> state, ReadOnlySpan<byte> input, Span<byte> derived)
    {
        (Vector128<byte> lower, Vector128<byte> upper) = HardwareGcm<T>.DeriveKey(state, input);
        lower.CopyTo(derived);
        upper.CopyTo(derived[Vector128<byte>.Count..]);
    }

    public override void SealXaes(
        ReadOnlySpan<byte> state, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> destination) =>
        HardwareGcm<T>.SealXaes(state, nonce, plaintext, associatedData, destination);

    public override bool TryOpenXaes(
        ReadOnlySpan<byte> state, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> @sealed, ReadOnlySpan<byte> associatedData, Span<byte> destination) =>
        HardwareGcm<T>.TryOpenXaes(state, nonce, @sealed, associatedData, destination);
}
