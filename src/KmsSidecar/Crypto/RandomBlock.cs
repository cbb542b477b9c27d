using System.Runtime.ConstrainedExecution;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace KmsSidecar.Crypto;

/// <summary>A page of random bytes that one thread has drawn from the kernel and takes from in order, so that not every data key costs a
/// system call. What is taken is wiped, and a page that has grown old is drawn anew.</summary>
/// <remarks>
/// <para>Two processes must never take the same bytes. After a <c>fork</c> the child finds the page zeroed (MADV_WIPEONFORK, madvise(2)), and
/// its mark gone. Core dumps leave the page out (MADV_DONTDUMP). A virtual machine that is resumed twice from one snapshot is what user space
/// cannot see on Linux: each copy may take the bytes that were left in the page, which <see cref="MaxAge"/> bounds to those drawn within
/// that time before the snapshot. Do not run a node from snapshots of its running memory.</para>
/// <para>For one thread.</para>
/// </remarks>
internal sealed unsafe partial class RandomBlock : CriticalFinalizerObject
{
    private const int Size = 4096;
    private const int MarkLength = sizeof(ulong);
    private const ulong Mark = 0x6b6d_732d_7261_6e64;

    /// <summary>Longest that bytes wait to be taken, in milliseconds.</summary>
    private const long MaxAge = 100;

    // mman.h and mman-common.h, the same on x86-64 and arm64.
    private const int ProtectReadWrite = 1 | 2;
    private const int MapPrivateAnonymous = 2 | 0x20;
    private const int AdviseDontDump = 16;
    private const int AdviseWipeOnFork = 18;
    private const nint MapFailed = -1;

    private readonly nint _page;
    private int _taken = Size;
    private long _drawnAt;

    public RandomBlock()
    {
        _page = Map(0, Size, ProtectReadWrite, MapPrivateAnonymous, -1, 0);
        CanBuffer = _page != MapFailed && Advise(_page, Size, AdviseWipeOnFork) == 0;
        _ = _page != MapFailed && Advise(_page, Size, AdviseDontDump) == 0;
    }

    ~RandomBlock()
    {
        if (_page != MapFailed)
        {
            CryptographicOperations.ZeroMemory(Page);
            _ = Unmap(_page, Size);
        }
    }

    /// <summary>False where there is no page, or the kernel does not wipe it on fork (before Linux 4.14): every call then asks the kernel.</summary>
    private bool CanBuffer { get; }

    private Span<byte> Page => new((void*)_page, Size);

    private bool IsMarked => MemoryMarshal.Read<ulong>(Page) == Mark;

    public void Take(Span<byte> destination)
    {
        if (!CanBuffer || destination.Length > Size - MarkLength)
        {
            RandomNumberGenerator.Fill(destination);
            return;
        }

        if (destination.Length > Size - _taken || !IsMarked || Environment.TickCount64 - _drawnAt > MaxAge)
        {
            Draw();
        }

        Span<byte> bytes = Page.Slice(_taken, destination.Length);
        bytes.CopyTo(destination);
        CryptographicOperations.ZeroMemory(bytes);
        _taken += destination.Length;
    }

    private void Draw()
    {
        RandomNumberGenerator.Fill(Page);
        MemoryMarshal.Write(Page, Mark);
        _taken = MarkLength;
        _drawnAt = Environment.TickCount64;
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint length, int advice);
}
