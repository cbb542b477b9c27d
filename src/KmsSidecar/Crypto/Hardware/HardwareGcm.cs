using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;

namespace KmsSidecar.Crypto.Hardware;

/// <summary>AES-256-GCM (NIST SP 800-38D) and the key derivation of XAES-256-GCM on the processor's own instructions.</summary>
/// <remarks>
/// <para>Allocates nothing and keeps nothing: any number of threads may share a prepared schedule. No branch and no table index depends on
/// a key, a plaintext or how much of a tag is right.</para>
/// <para>Made for data keys: two blocks of text at a time, since a wrap has two, and the wider instructions of newer processors (VAES) need
/// many independent blocks to gain anything over the 14 rounds that follow each other.</para>
/// <para>Lengths are the caller's to check. What the compiler spills from registers to the stack cannot be wiped.</para>
/// </remarks>
internal static class HardwareGcm<T>
    where T : struct, IAesInstructions
{
    private const int BlockLength = KeySchedule<T>.BlockLength;

    private static Vector128<uint> One => Vector128.Create(0u, 0, 0, 1);

    private static Vector128<uint> Two => Vector128.Create(0u, 0, 0, 2);

    /// <param name="schedule">Prepared by <see cref="KeySchedule{T}"/>.</param>
    /// <param name="destination">Ciphertext, then the tag.</param>
    public static void Seal(
        ReadOnlySpan<byte> schedule, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData,
        Span<byte> destination)
    {
        ref readonly byte keys = ref MemoryMarshal.GetReference(schedule);
        Vector128<byte> first = FirstCounter(nonce);
        Vector128<byte> mask = KeySchedule<T>.Encrypt(in keys, first);
        Span<byte> ciphertext = destination[..plaintext.Length];
        Transform(in keys, first, plaintext, ciphertext);
        (Hash(in keys, associatedData, ciphertext) ^ mask).StoreUnsafe(ref MemoryMarshal.GetReference(destination[plaintext.Length..]));
    }

    /// <summary>False, with a destination of zeroes, when the tag does not verify. Nothing is decrypted before it has.</summary>
    public static bool TryOpen(
        ReadOnlySpan<byte> schedule, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> @sealed, ReadOnlySpan<byte> associatedData,
        Span<byte> destination)
    {
        ref readonly byte keys = ref MemoryMarshal.GetReference(schedule);
        ReadOnlySpan<byte> ciphertext = @sealed[..destination.Length];
        Vector128<byte> first = FirstCounter(nonce);
        Vector128<byte> mask = KeySchedule<T>.Encrypt(in keys, first);
        Vector128<byte> tag = Hash(in keys, associatedData, ciphertext) ^ mask;
        if (tag != Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(@sealed[destination.Length..])))
        {
            CryptographicOperations.ZeroMemory(destination);
            return false;
        }

        Transform(in keys, first, ciphertext, destination);
        return true;
    }

    /// <summary>XAES-256-GCM; otherwise as <see cref="Seal"/>.</summary>
    [SkipLocalsInit]
    public static void SealXaes(
        ReadOnlySpan<byte> schedule, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData,
        Span<byte> destination)
    {
        Span<byte> message = stackalloc byte[KeySchedule<T>.MessageLength];
        PrepareMessage(schedule, nonce, message);
        Seal(message, nonce[Xaes.DerivationInputLength..], plaintext, associatedData, destination);
        CryptographicOperations.ZeroMemory(message);
    }

    /// <summary>XAES-256-GCM; otherwise as <see cref="TryOpen"/>.</summary>
    [SkipLocalsInit]
    public static bool TryOpenXaes(
        ReadOnlySpan<byte> schedule, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> @sealed, ReadOnlySpan<byte> associatedData,
        Span<byte> destination)
    {
        Span<byte> message = stackalloc byte[KeySchedule<T>.MessageLength];
        PrepareMessage(schedule, nonce, message);
        bool isOpen = TryOpen(message, nonce[Xaes.DerivationInputLength..], @sealed, associatedData, destination);
        CryptographicOperations.ZeroMemory(message);
        return isOpen;
    }

    /// <summary>The key of one message (<see cref="Xaes"/>).</summary>
    /// <param name="input">The first half of the nonce.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector128<byte> Lower, Vector128<byte> Upper) DeriveKey(ReadOnlySpan<byte> schedule, ReadOnlySpan<byte> input)
    {
        ref readonly byte keys = ref MemoryMarshal.GetReference(schedule);
        Vector128<byte> subkey = KeySchedule<T>.XaesSubkey(in keys);
        return KeySchedule<T>.Encrypt(in keys, Xaes.Message(1, input) ^ subkey, Xaes.Message(2, input) ^ subkey);
    }

    private static void PrepareMessage(ReadOnlySpan<byte> schedule, ReadOnlySpan<byte> nonce, Span<byte> message)
    {
        (Vector128<byte> lower, Vector128<byte> upper) = DeriveKey(schedule, nonce[..Xaes.DerivationInputLength]);
        KeySchedule<T>.Prepare(lower, upper, ref MemoryMarshal.GetReference(message));
    }

    /// <summary>GCTR from the counter after <paramref name="first"/> on: encrypts and decrypts.</summary>
    private static void Transform(ref readonly byte keys, Vector128<byte> first, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        // In the counter's word, which is big-endian, sums do not carry: counted in the other order, and turned round.
        Vector128<byte> even = Next(first, One);
        Vector128<byte> odd = Next(first, Two);
        while (source.Length > BlockLength)
        {
            (Vector128<byte> stream, Vector128<byte> secondStream) = KeySchedule<T>.Encrypt(in keys, even, odd);
            (Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(source)) ^ stream).StoreUnsafe(ref MemoryMarshal.GetReference(destination));
            int second = Math.Min(source.Length - BlockLength, BlockLength);
            PartialBlock.Store(
                PartialBlock.Load(source.Slice(BlockLength, second)) ^ secondStream, destination.Slice(BlockLength, second));
            source = source[(BlockLength + second)..];
            destination = destination[(BlockLength + second)..];
            even = Next(even, Two);
            odd = Next(odd, Two);
        }

        if (!source.IsEmpty)
        {
            PartialBlock.Store(PartialBlock.Load(source) ^ KeySchedule<T>.Encrypt(in keys, even), destination);
        }
    }

    private static Vector128<byte> Hash(ref readonly byte keys, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> ciphertext)
    {
        Ghash<T> hash = new(in KeySchedule<T>.Powers(in keys));
        hash.Absorb(associatedData);
        hash.Absorb(ciphertext);
        return hash.Finish(associatedData.Length, ciphertext.Length);
    }

    /// <summary><c>nonce | 00 00 00 01</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> FirstCounter(ReadOnlySpan<byte> nonce) => Vector128.Create(
        BinaryPrimitives.ReadUInt32LittleEndian(nonce),
        BinaryPrimitives.ReadUInt32LittleEndian(nonce[4..]),
        BinaryPrimitives.ReadUInt32LittleEndian(nonce[8..]),
        BinaryPrimitives.ReverseEndianness(1u)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Next(Vector128<byte> counter, Vector128<uint> step) =>
        ReverseLastWord((ReverseLastWord(counter).AsUInt32() + step).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> ReverseLastWord(Vector128<byte> block) =>
        T.Shuffle(block, Vector128.Create((byte)0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15, 14, 13, 12));
}
