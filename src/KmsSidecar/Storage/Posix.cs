using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KmsSidecar.Storage;

/// <summary>The system calls behind durable files: .NET has no link(2), fsync of directories or O_NOFOLLOW, and blurs errno.</summary>
/// <remarks>Constants are those of Linux; where x64 and arm64 differ, the process decides.</remarks>
internal static partial class Posix
{
    public const int OpenReadOnly = 0;
    public const int OpenWriteOnly = 1;
    public const int OpenReadWrite = 2;
    public const int OpenCreate = 0x40;
    public const int OpenExclusive = 0x80;

    /// <summary>Each write goes to the end, wherever that is by then.</summary>
    public const int OpenAppend = 0x400;

    /// <summary>Keeps a FIFO in the place of a file from blocking the opener.</summary>
    public const int OpenNonBlocking = 0x800;
    public const int OpenCloseOnExec = 0x80000;

    public const int LockExclusiveNonBlocking = 2 | 4;
    private const int LockRelease = 8;

    public static readonly int OpenNoFollow = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;
    public static readonly int OpenDirectory = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x4000 : 0x10000;

    private const int StatxCurrentDirectory = -100;
    private const int StatxEmptyPath = 0x1000;
    private const uint StatxBasic = 0x7ff;

    /// <exception cref="PosixException"/>
    public static SafeFileHandle Open(string path, int flags, UnixFileMode mode = UnixFileMode.None)
    {
        SafeFileHandle file = OpenCall(path, flags | OpenCloseOnExec, (uint)mode);
        if (file.IsInvalid)
        {
            int errno = Marshal.GetLastPInvokeError();
            file.Dispose();
            throw new PosixException(errno);
        }

        return file;
    }

    public static FileStatus Status(SafeFileHandle file)
    {
        Check(StatxCall(file, "", StatxEmptyPath, StatxBasic, out FileStatus status));
        return status;
    }

    /// <summary>Follows symbolic links.</summary>
    public static FileStatus Status(string path)
    {
        Check(StatxCall(StatxCurrentDirectory, path, 0, StatxBasic, out FileStatus status));
        return status;
    }

    /// <summary>Reads until the buffer is full or the file ends.</summary>
    public static int Read(SafeFileHandle file, Span<byte> buffer)
    {
        int total = 0;
        while (total < buffer.Length)
        {
            nint count = ReadCall(file, ref MemoryMarshal.GetReference(buffer[total..]), (nuint)(buffer.Length - total));
            if (count == 0)
            {
                break;
            }

            if (count > 0)
            {
                total += (int)count;
            }
            else
            {
                ThrowUnlessInterrupted();
            }
        }

        return total;
    }

    /// <summary>Writes all of it, or throws.</summary>
    public static void Write(SafeFileHandle file, ReadOnlySpan<byte> content)
    {
        while (!content.IsEmpty)
        {
            nint count = WriteCall(file, in MemoryMarshal.GetReference(content), (nuint)content.Length);
            if (count < 0)
            {
                ThrowUnlessInterrupted();
                continue;
            }

            content = content[(int)count..];
        }
    }

    public static void Truncate(SafeFileHandle file, long length = 0) => Check(TruncateCall(file, (nint)length));

    public static void SetMode(SafeFileHandle file, UnixFileMode mode) => Check(SetModeCall(file, (uint)mode));

    public static void Flush(SafeFileHandle file) => Check(FlushCall(file));

    public static void Rename(string from, string to) => Check(RenameCall(from, to));

    public static void Link(string existing, string path) => Check(LinkCall(existing, path));

    public static void Unlink(string path) => Check(UnlinkCall(path));

    public static void MakeDirectory(string path, UnixFileMode mode) => Check(MakeDirectoryCall(path, (uint)mode));

    /// <summary>False when another open file description holds the lock, in this process or another.</summary>
    public static bool TryLock(SafeFileHandle file)
    {
        if (LockCall(file, LockExclusiveNonBlocking) == 0)
        {
            return true;
        }

        int errno = Marshal.GetLastPInvokeError();
        return errno == Errno.WouldBlock ? false : throw new PosixException(errno);
    }

    /// <summary>Gives the lock up at once. Closing alone does so only when no child that is being started still shares the open file.</summary>
    public static void Unlock(SafeFileHandle file) => _ = LockCall(file, LockRelease);

    /// <summary>The user as whom this process acts.</summary>
    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint EffectiveUserId();

    /// <summary>For the whole process, all of its threads.</summary>
    public static void ActAs(uint user, uint group)
    {
        Check(SetGroupsCall(0, 0));
        Check(SetEffectiveGroupCall(group));
        Check(SetEffectiveUserCall(user));
    }

    private static void Check(int result)
    {
        if (result != 0)
        {
            throw new PosixException(Marshal.GetLastPInvokeError());
        }
    }

    private static void ThrowUnlessInterrupted()
    {
        int errno = Marshal.GetLastPInvokeError();
        if (errno != Errno.Interrupted)
        {
            throw new PosixException(errno);
        }
    }

    // open(2) is variadic in C; on both Linux ABIs an int after the named arguments travels in the same register either way.
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle OpenCall(string path, int flags, uint mode);

    // statx rather than stat: its structure is the same on every architecture.
    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatxCall(SafeFileHandle file, string path, int flags, uint mask, out FileStatus status);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatxCall(int directory, string path, int flags, uint mask, out FileStatus status);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint ReadCall(SafeFileHandle file, ref byte buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteCall(SafeFileHandle file, ref readonly byte content, nuint length);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int TruncateCall(SafeFileHandle file, nint length);

    [LibraryImport("libc", EntryPoint = "fchmod", SetLastError = true)]
    private static partial int SetModeCall(SafeFileHandle file, uint mode);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FlushCall(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int LockCall(SafeFileHandle file, int operation);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameCall(string from, string to);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int LinkCall(string existing, string path);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int UnlinkCall(string path);

    /// <summary>Why this process may not make files in a directory (access(2)), as an error number; 0 when it may.</summary>
    public static int FindEntryFault(string directory)
    {
        const int MayWriteAndEnter = 2 | 1;
        return !Directory.Exists(directory) ? Errno.NotADirectory
            : AccessCall(directory, MayWriteAndEnter) != 0 ? Marshal.GetLastPInvokeError()
            : 0;
    }

    [LibraryImport("libc", EntryPoint = "access", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int AccessCall(string path, int mode);

    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeDirectoryCall(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "setgroups", SetLastError = true)]
    private static partial int SetGroupsCall(nuint count, nint groups);

    [LibraryImport("libc", EntryPoint = "setegid", SetLastError = true)]
    private static partial int SetEffectiveGroupCall(uint group);

    [LibraryImport("libc", EntryPoint = "seteuid", SetLastError = true)]
    private static partial int SetEffectiveUserCall(uint user);
}
