using System.Buffers;
using KmsSidecar.Crypto;
using Xunit;

namespace KmsSidecar.Tests.Crypto;

public sealed class SecretBufferTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(512)]
    [InlineData(513)]
    [InlineData(131_072)]
    [InlineData(131_073)]
    public void RentedArray_IsLongEnough_AndZero(int length)
    {
        byte[] rented = PinnedPool.Rent(length);

        Assert.True(rented.Length >= length);
        Assert.True(rented.AsSpan().IndexOfAnyExcept((byte)0) < 0);
        PinnedPool.Return(rented, rented.Length);
    }

    [Fact]
    public void ReturnedArray_IsZeroed()
    {
        byte[] rented = PinnedPool.Rent(1000);
        rented.AsSpan().Fill(0xA5);

        PinnedPool.Return(rented, rented.Length);

        Assert.True(rented.AsSpan().IndexOfAnyExcept((byte)0) < 0);
    }

    [Fact]
    public void Growing_KeepsTheContent_AndZeroesTheFormerArray()
    {
        SecretBuffer buffer = new(512);
        Memory<byte> former = buffer.GetMemory();
        byte[] content = [.. Enumerable.Range(0, 500).Select(static i => (byte)i)];
        buffer.Write(content);

        buffer.GetSpan(100_000);

        Assert.Equal(content, buffer.WrittenSpan.ToArray());
        Assert.True(former.Span.IndexOfAnyExcept((byte)0) < 0);
        buffer.Dispose();
    }

    [Fact]
    public void Clear_ZeroesWhatWasNotAdvancedOver()
    {
        using SecretBuffer buffer = new(512);
        Memory<byte> scribbled = buffer.GetMemory(100);
        scribbled.Span.Fill(1);

        buffer.Clear();

        Assert.True(scribbled.Span.IndexOfAnyExcept((byte)0) < 0);
    }

    [Fact]
    public void Dispose_ZeroesTheContent_AndMayBeRepeated()
    {
        SecretBuffer buffer = new(512);
        buffer.Write("secret"u8);
        ReadOnlyMemory<byte> content = buffer.WrittenMemory;

        buffer.Dispose();
        buffer.Dispose();

        Assert.True(content.Span.IndexOfAnyExcept((byte)0) < 0);
        Assert.Equal(0, buffer.WrittenSpan.Length);
    }

    [Fact]
    public async Task ArraysAreNeverLentTwice()
    {
        await Task.WhenAll(Enumerable.Range(1, 4).Select(static worker => Task.Run(() =>
        {
            for (int i = 0; i < 20_000; i++)
            {
                byte[] rented = PinnedPool.Rent(600);
                Assert.Equal(0, rented[0]);
                rented.AsSpan().Fill((byte)worker);
                Assert.True(rented.AsSpan().IndexOfAnyExcept((byte)worker) < 0);
                PinnedPool.Return(rented, rented.Length);
            }
        })));
    }
}
