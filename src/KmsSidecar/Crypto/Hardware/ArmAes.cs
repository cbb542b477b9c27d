using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace KmsSidecar.Crypto.Hardware;

/// <summary>The cryptographic extension of ARMv8: AESE, AESMC, PMULL.</summary>
/// <remarks>AESE takes the round key before SubBytes and not after MixColumns: given a key of zeroes, what is left is what x86 does.</remarks>
internal readonly struct ArmAes : IAesInstructions
{
    public static bool IsSupported => Aes.IsSupported && AdvSimd.Arm64.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Round(Vector128<byte> state, Vector128<byte> roundKey) =>
        Aes.MixColumns(Aes.Encrypt(state, Vector128<byte>.Zero)) ^ roundKey;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> LastRound(Vector128<byte> state, Vector128<byte> roundKey) =>
        Aes.Encrypt(state, Vector128<byte>.Zero) ^ roundKey;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> MultiplyLower(Vector128<ulong> left, Vector128<ulong> right) =>
        Aes.PolynomialMultiplyWideningLower(left.GetLower(), right.GetLower());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> MultiplyUpper(Vector128<ulong> left, Vector128<ulong> right) =>
        Aes.PolynomialMultiplyWideningUpper(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Shuffle(Vector128<byte> bytes, Vector128<byte> indices) => AdvSimd.Arm64.VectorTableLookup(bytes, indices);
}
