using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace KmsSidecar.Crypto.Hardware;

/// <summary>All that is computed from a key once and used by every call: as secret as the key itself.</summary>
/// <remarks>
/// <code>
/// offset   0  15 round keys of AES-256
///        240  the hash key of GHASH, its 2nd, 3rd and 4th power, as <see cref="Ghash{T}"/> multiplies with them
///        304  the subkey of XAES-256-GCM's derivation
/// </code>
/// </remarks>
internal static class KeySchedule<T>
    where T : struct, IAesInstructions
{
    public const int Length = MessageLength + BlockLength;

    /// <summary>Without the last part, which the key of a single message has no use for.</summary>
    public const int MessageLength = PowersOffset + (Ghash<T>.PowerCount * BlockLength);

    public const int BlockLength = 128 / 8;

    private const int Rounds = 14;
    private const int PowersOffset = (Rounds + 1) * BlockLength;

    /// <param name="key">32 bytes.</param>
    /// <param name="schedule"><see cref="Length"/> bytes; the caller wipes them.</param>
    public static void Prepare(ReadOnlySpan<byte> key, Span<byte> schedule)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, AeadKey.KeyLength);
        ArgumentOutOfRangeException.ThrowIfNotEqual(schedule.Length, Length);
        ref byte start = ref MemoryMarshal.GetReference(schedule);
        Vector128<byte> encryptedZero = Prepare(Vector128.Create(key[..BlockLength]), Vector128.Create(key[BlockLength..]), ref start);
        Xaes.Double(encryptedZero).StoreUnsafe(ref start, MessageLength);
    }

    /// <summary>For the key of a single message.</summary>
    /// <param name="lower">The first half of the key.</param>
    /// <param name="schedule">Receives <see cref="MessageLength"/> bytes; the caller wipes them.</param>
    /// <returns>The encrypted zero block.</returns>
    public static Vector128<byte> Prepare(Vector128<byte> lower, Vector128<byte> upper, ref byte schedule)
    {
        Expand(lower, upper, ref schedule);
        Vector128<byte> encryptedZero = Encrypt(in schedule, Vector128<byte>.Zero);
        Ghash<T>.PreparePowers(encryptedZero, ref Unsafe.Add(ref schedule, PowersOffset));
        return encryptedZero;
    }

    /// <summary>The powers of the hash key.</summary>
    public static ref readonly byte Powers(ref readonly byte schedule) => ref Unsafe.Add(ref Unsafe.AsRef(in schedule), PowersOffset);

    public static Vector128<byte> XaesSubkey(ref readonly byte schedule) => Vector128.LoadUnsafe(in schedule, MessageLength);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Encrypt(ref readonly byte schedule, Vector128<byte> block)
    {
        block ^= RoundKey(in schedule, 0);
        for (int round = 1; round < Rounds; round++)
        {
            block = T.Round(block, RoundKey(in schedule, round));
        }

        return T.LastRound(block, RoundKey(in schedule, Rounds));
    }

    /// <summary>Two blocks in little more time than one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector128<byte> First, Vector128<byte> Second) Encrypt(
        ref readonly byte schedule, Vector128<byte> first, Vector128<byte> second)
    {
        Vector128<byte> key = RoundKey(in schedule, 0);
        first ^= key;
        second ^= key;
        for (int round = 1; round < Rounds; round++)
        {
            key = RoundKey(in schedule, round);
            first = T.Round(first, key);
            second = T.Round(second, key);
        }

        key = RoundKey(in schedule, Rounds);
        return (T.LastRound(first, key), T.LastRound(second, key));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> RoundKey(ref readonly byte schedule, int round) =>
        Vector128.LoadUnsafe(in schedule, (nuint)(uint)(round * BlockLength));

    /// <summary>KeyExpansion of FIPS 197, 5.2, eight words at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Expand(Vector128<byte> even, Vector128<byte> odd, ref byte roundKeys)
    {
        even.StoreUnsafe(ref roundKeys, 0);
        odd.StoreUnsafe(ref roundKeys, BlockLength);
        uint roundConstant = 1;
        for (nuint offset = 2 * BlockLength; ; offset += 2 * BlockLength)
        {
            // RotWord, on words in the order of their bytes in memory.
            Vector128<uint> word = SubstituteLastWord(odd);
            word = (word >>> 8) | (word << 24);
            even = AccumulateWords(even) ^ (word ^ Vector128.Create(roundConstant)).AsByte();
            even.StoreUnsafe(ref roundKeys, offset);
            if (offset == Rounds * BlockLength)
            {
                return;
            }

            odd = AccumulateWords(odd) ^ SubstituteLastWord(even).AsByte();
            odd.StoreUnsafe(ref roundKeys, offset + BlockLength);
            roundConstant <<= 1;
        }
    }

    /// <summary>SubWord of the last word, in all four places: with equal columns, ShiftRows changes nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> SubstituteLastWord(Vector128<byte> words) =>
        T.LastRound(
            T.Shuffle(words, Vector128.Create((byte)12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15)), Vector128<byte>.Zero).AsUInt32();

    /// <summary>Each word exclusive-ored with all before it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> AccumulateWords(Vector128<byte> words)
    {
        words ^= T.Shuffle(words, Vector128.Create((byte)255, 255, 255, 255, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
        return words ^ T.Shuffle(words, Vector128.Create((byte)255, 255, 255, 255, 255, 255, 255, 255, 0, 1, 2, 3, 4, 5, 6, 7));
    }
}
