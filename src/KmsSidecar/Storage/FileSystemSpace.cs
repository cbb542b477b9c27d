using System.Runtime.InteropServices;

namespace KmsSidecar.Storage;

/// <summary>What is left of a file system for those who are not root, statvfs(3).</summary>
/// <param name="FreeBytes">Of <paramref name="Bytes"/>.</param>
/// <param name="FreeFiles">Of <paramref name="Files"/>, which is 0 where the file system does not count them.</param>
internal readonly partial record struct FileSystemSpace(ulong FreeBytes, ulong Bytes, ulong FreeFiles, ulong Files)
{
    /// <summary>Null when it cannot be told.</summary>
    /// <param name="path">Of any file or directory in it.</param>
    public static FileSystemSpace? Of(string path) => StatusCall(path, out Status status) == 0
        ? new FileSystemSpace(
            status.AvailableBlocks * status.BlockBytes, status.Blocks * status.BlockBytes, status.AvailableFiles, status.Files)
        : null;

    [LibraryImport("libc", EntryPoint = "statvfs", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatusCall(string path, out Status status);

    /// <summary>The members of <c>struct statvfs</c> that are used here; the C library's structure is the same on x86-64 and arm64.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 112)]
    private readonly struct Status
    {
        [FieldOffset(8)]
        public readonly ulong BlockBytes;

        [FieldOffset(16)]
        public readonly ulong Blocks;

        [FieldOffset(32)]
        public readonly ulong AvailableBlocks;

        [FieldOffset(40)]
        public readonly ulong Files;

        [FieldOffset(56)]
        public readonly ulong AvailableFiles;
    }
}
