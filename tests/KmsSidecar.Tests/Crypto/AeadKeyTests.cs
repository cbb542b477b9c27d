using KmsSidecar.Crypto;
using Xunit;

namespace KmsSidecar.Tests.Crypto;

/// <summary>One contract for both algorithms; the vectors have their own classes.</summary>
public sealed class AeadKeyTests
{
    private static readonly byte[] Secret = [.. Enumerable.Range(0, AeadKey.KeyLength).Select(i => (byte)i)];

    public static TheoryData<string, string> Algorithms => new()
    {
        { "gcm", "hardware" }, { "gcm", "framework" }, { "xaes", "hardware" }, { "xaes", "framework" },
    };

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void EveryFlippedBit_IsRefused_AndClearsTheDestination(string algorithm, string engine)
    {
        using AeadKey key = AeadKey.From(Secret, Engines.Named(engine));
        Algorithm aead = new(algorithm, key);
        byte[] plaintext = [.. Enumerable.Range(100, 37).Select(i => (byte)i)];
        byte[] associatedData = [.. Enumerable.Range(0, 29).Select(i => (byte)i)];
        byte[] nonce = [.. Enumerable.Range(50, aead.NonceLength).Select(i => (byte)i)];
        byte[] @sealed = new byte[plaintext.Length + AeadKey.TagLength];
        aead.Seal(nonce, plaintext, associatedData, @sealed);

        int refused = 0;
        foreach (byte[] field in (byte[][])[nonce, @sealed, associatedData])
        {
            for (int bit = 0; bit < 8 * field.Length; bit++)
            {
                byte[] opened = [.. Enumerable.Repeat((byte)0xa5, plaintext.Length)];
                field[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.False(aead.TryOpen(nonce, @sealed, associatedData, opened), $"bit {bit}");
                field[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.Equal(new byte[plaintext.Length], opened);
                refused++;
            }
        }

        Assert.Equal(8 * (nonce.Length + @sealed.Length + associatedData.Length), refused);
        Assert.True(aead.TryOpen(nonce, @sealed, associatedData, new byte[plaintext.Length]));
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void TruncatedOrExtended_IsRefused(string algorithm, string engine)
    {
        using AeadKey key = AeadKey.From(Secret, Engines.Named(engine));
        Algorithm aead = new(algorithm, key);
        byte[] nonce = new byte[aead.NonceLength];
        byte[] @sealed = new byte[5 + AeadKey.TagLength];
        aead.Seal(nonce, new byte[5], [7], @sealed);

        for (int length = 0; length < @sealed.Length; length++)
        {
            Assert.False(aead.TryOpen(nonce, @sealed.AsSpan(0, length), [7], new byte[Math.Max(length - AeadKey.TagLength, 0)]));
        }

        Assert.False(aead.TryOpen(nonce, [.. @sealed, 0], [7], new byte[6]));
        Assert.False(aead.TryOpen(nonce, @sealed, [], new byte[5]));
        Assert.False(aead.TryOpen(nonce, @sealed, [7, 0], new byte[5]));
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void WrongLengths_AreMisuse(string algorithm, string engine)
    {
        using AeadKey key = AeadKey.From(Secret, Engines.Named(engine));
        Algorithm aead = new(algorithm, key);
        byte[] nonce = new byte[aead.NonceLength];
        foreach (int length in (int[])[0, 11, 12, 13, 16, 23, 24, 25])
        {
            if (length != aead.NonceLength)
            {
                Assert.Throws<ArgumentOutOfRangeException>(() => aead.Seal(new byte[length], new byte[3], [], new byte[19]));
                Assert.Throws<ArgumentOutOfRangeException>(() => aead.TryOpen(new byte[length], new byte[19], [], new byte[3]));
            }
        }

        foreach (int length in (int[])[0, 3, 18, 20])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => aead.Seal(nonce, new byte[3], [], new byte[length]));
        }

        foreach (int length in (int[])[0, 2, 4, 19])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => aead.TryOpen(nonce, new byte[19], [], new byte[length]));
        }
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void OverlappingBuffers_AreMisuse(string algorithm, string engine)
    {
        using AeadKey key = AeadKey.From(Secret, Engines.Named(engine));
        Algorithm aead = new(algorithm, key);
        byte[] nonce = new byte[aead.NonceLength];
        byte[] buffer = new byte[64];
        Assert.Throws<ArgumentException>(() => aead.Seal(nonce, buffer.AsSpan(0, 32), [], buffer.AsSpan(0, 48)));
        Assert.Throws<ArgumentException>(() => aead.Seal(nonce, buffer.AsSpan(40, 8), [], buffer.AsSpan(20, 24)));
        Assert.Throws<ArgumentException>(() => aead.TryOpen(nonce, buffer.AsSpan(0, 48), [], buffer.AsSpan(0, 32)));
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void FourThreadsOnOneKey_SealWhatOpensElsewhere(string algorithm, string engine)
    {
        const int Threads = 4;
        const int PerThread = 5_000;
        byte[][][] sealedByThread = new byte[Threads][][];
        using (AeadKey shared = AeadKey.From(Secret, Engines.Named(engine)))
        {
            Algorithm aead = new(algorithm, shared);
            Thread[] threads = [.. Enumerable.Range(0, Threads).Select(t => new Thread(() =>
                sealedByThread[t] = [.. Enumerable.Range(0, PerThread).Select(i => SealNumbered(aead, t, i))]))];
            Array.ForEach(threads, thread => thread.Start());
            Array.ForEach(threads, thread => thread.Join());
        }

        using AeadKey other = AeadKey.From(Secret);
        Algorithm opener = new(algorithm, other);
        for (int t = 0; t < Threads; t++)
        {
            for (int i = 0; i < PerThread; i++)
            {
                byte[] opened = new byte[32];
                Assert.True(opener.TryOpen(NumberedNonce(opener, t, i), sealedByThread[t][i], [(byte)t], opened));
                Assert.Equal(Numbered(i), opened);
            }
        }
    }

    [Fact]
    public void Algorithms_DoNotOpenEachOther()
    {
        using AeadKey key = AeadKey.From(Secret);
        byte[] nonce = [.. Enumerable.Range(0, AeadKey.XaesNonceLength).Select(i => (byte)i)];
        byte[] @sealed = new byte[3 + AeadKey.TagLength];
        key.SealXaes(nonce, [1, 2, 3], [], @sealed);
        Assert.False(key.TryOpenGcm(nonce.AsSpan(AeadKey.GcmNonceLength), @sealed, [], new byte[3]));
        Assert.False(key.TryOpenGcm(nonce.AsSpan(0, AeadKey.GcmNonceLength), @sealed, [], new byte[3]));
    }

    [Fact]
    public void Key_IsCopied()
    {
        byte[] source = [.. Secret];
        using AeadKey key = AeadKey.From(source);
        Array.Clear(source);
        byte[] copied = new byte[19];
        key.SealGcm(new byte[12], [1, 2, 3], [], copied);
        using AeadKey same = AeadKey.From(Secret);
        Assert.True(same.TryOpenGcm(new byte[12], copied, [], new byte[3]));
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void DisposedKey_IsRefused(string algorithm, string engine)
    {
        AeadKey key = AeadKey.From(Secret, Engines.Named(engine));
        Algorithm aead = new(algorithm, key);
        key.Dispose();
        Assert.Throws<ObjectDisposedException>(() => aead.Seal(new byte[aead.NonceLength], [], [], new byte[16]));
        Assert.Throws<ObjectDisposedException>(() => aead.TryOpen(new byte[aead.NonceLength], new byte[16], [], []));
    }

    private static byte[] SealNumbered(Algorithm aead, int thread, int number)
    {
        byte[] @sealed = new byte[32 + AeadKey.TagLength];
        aead.Seal(NumberedNonce(aead, thread, number), Numbered(number), [(byte)thread], @sealed);
        return @sealed;
    }

    private static byte[] Numbered(int number)
    {
        byte[] bytes = new byte[32];
        BitConverter.TryWriteBytes(bytes, number);
        return bytes;
    }

    private static byte[] NumberedNonce(Algorithm aead, int thread, int number)
    {
        byte[] nonce = new byte[aead.NonceLength];
        BitConverter.TryWriteBytes(nonce, number);
        nonce[^1] = (byte)thread;
        return nonce;
    }

    private sealed class Algorithm(string name, AeadKey key)
    {
        public int NonceLength => name == "xaes" ? AeadKey.XaesNonceLength : AeadKey.GcmNonceLength;

        public void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> destination)
        {
            if (name == "xaes")
            {
                key.SealXaes(nonce, plaintext, associatedData, destination);
            }
            else
            {
                key.SealGcm(nonce, plaintext, associatedData, destination);
            }
        }

        public bool TryOpen(
            ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> @sealed, ReadOnlySpan<byte> associatedData, Span<byte> destination) =>
            name == "xaes"
                ? key.TryOpenXaes(nonce, @sealed, associatedData, destination)
                : key.TryOpenGcm(nonce, @sealed, associatedData, destination);
    }
}
