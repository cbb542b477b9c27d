using System.Runtime.CompilerServices;
using KmsSidecar.Crypto;
using Xunit;

namespace KmsSidecar.Tests.Crypto;

public sealed class SecretBytesTests
{
    [Fact]
    public unsafe void Dispose_ZeroesTheMemory()
    {
        SecretBytes secret = SecretBytes.CopyOf([1, 2, 3, 4, 5]);
        byte* memory = (byte*)Unsafe.AsPointer(ref secret.Span[0]);
        Assert.Equal([1, 2, 3, 4, 5], new ReadOnlySpan<byte>(memory, 5).ToArray());

        secret.Dispose();
        Assert.Equal(new byte[5], new ReadOnlySpan<byte>(memory, 5).ToArray());
        GC.KeepAlive(secret);
    }

    [Fact]
    public unsafe void Memory_IsNotMovedByTheCollector()
    {
        using SecretBytes secret = SecretBytes.CopyOf([1, 2, 3]);
        void* before = Unsafe.AsPointer(ref secret.Span[0]);
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
        Assert.True(before == Unsafe.AsPointer(ref secret.Span[0]));
    }

    [Fact]
    public void AfterDispose_ReadingThrows()
    {
        SecretBytes secret = SecretBytes.Random(32);
        secret.Dispose();
        secret.Dispose();
        Assert.True(secret.IsDisposed);
        Assert.Equal(32, secret.Length);
        Assert.Throws<ObjectDisposedException>(() => secret.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => secret.Memory);
        using SecretBytes other = SecretBytes.Allocate(32);
        Assert.Throws<ObjectDisposedException>(() => other.FixedTimeEquals(secret));
    }

    [Fact]
    public void ToString_SaysNothing()
    {
        using SecretBytes secret = SecretBytes.CopyOf("hunter2"u8);
        Assert.Equal("[secret]", secret.ToString());
        Assert.Equal("[secret]", $"{secret}");
    }

    [Fact]
    public void FixedTimeEquals_ComparesContent()
    {
        using SecretBytes one = SecretBytes.CopyOf([1, 2, 3]);
        using SecretBytes same = SecretBytes.CopyOf([1, 2, 3]);
        using SecretBytes other = SecretBytes.CopyOf([1, 2, 4]);
        using SecretBytes shorter = SecretBytes.CopyOf([1, 2]);
        Assert.True(one.FixedTimeEquals(same));
        Assert.False(one.FixedTimeEquals(other));
        Assert.False(one.FixedTimeEquals(shorter));
    }

    [Fact]
    public void Sources_AreCopiedZeroedOrRandom()
    {
        byte[] source = [9, 9];
        using SecretBytes copy = SecretBytes.CopyOf(source);
        source[0] = 0;
        Assert.Equal([9, 9], copy.Span.ToArray());

        using SecretBytes zero = SecretBytes.Allocate(4);
        Assert.Equal(new byte[4], zero.Span.ToArray());

        using SecretBytes one = SecretBytes.Random(32);
        using SecretBytes another = SecretBytes.Random(32);
        Assert.False(one.FixedTimeEquals(another));
    }
}
