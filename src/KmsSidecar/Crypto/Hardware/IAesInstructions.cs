using System.Runtime.Intrinsics;

namespace KmsSidecar.Crypto.Hardware;

/// <summary>The processor's instructions that AES-GCM is made of, with the meaning that x86 gives them.</summary>
/// <remarks>All of them take the same time whatever their operands are. They may be called where <see cref="IsSupported"/> only.</remarks>
internal interface IAesInstructions
{
    static abstract bool IsSupported { get; }

    /// <summary>SubBytes, ShiftRows, MixColumns, then exclusive or with the round key (FIPS 197, 5.1).</summary>
    static abstract Vector128<byte> Round(Vector128<byte> state, Vector128<byte> roundKey);

    /// <summary>The same without MixColumns.</summary>
    static abstract Vector128<byte> LastRound(Vector128<byte> state, Vector128<byte> roundKey);

    /// <summary>Product of two polynomials over GF(2): those in the lower halves.</summary>
    static abstract Vector128<ulong> MultiplyLower(Vector128<ulong> left, Vector128<ulong> right);

    /// <summary>Product of two polynomials over GF(2): those in the upper halves.</summary>
    static abstract Vector128<ulong> MultiplyUpper(Vector128<ulong> left, Vector128<ulong> right);

    /// <summary>Picks bytes by their index; an index of 255 gives zero.</summary>
    static abstract Vector128<byte> Shuffle(Vector128<byte> bytes, Vector128<byte> indices);
}
