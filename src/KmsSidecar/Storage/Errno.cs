using System.Runtime.InteropServices;
using KmsSidecar.Errors;

namespace KmsSidecar.Storage;

/// <summary>Error numbers of Linux (asm-generic/errno.h, the same on x64 and arm64), and what each means to an operator.</summary>
internal static class Errno
{
    public const int NotPermitted = 1;
    public const int NotFound = 2;
    public const int Interrupted = 4;
    public const int InputOutput = 5;
    public const int WouldBlock = 11;
    public const int AccessDenied = 13;
    public const int Exists = 17;
    public const int NotADirectory = 20;
    public const int IsADirectory = 21;
    public const int SystemFileLimit = 23;
    public const int ProcessFileLimit = 24;
    public const int NoSpace = 28;
    public const int ReadOnlyFileSystem = 30;
    public const int NameTooLong = 36;
    public const int TooManySymbolicLinks = 40;
    public const int QuotaExceeded = 122;

    public static string Describe(int errno) => errno switch
    {
        NotPermitted or AccessDenied => "permission denied; it must belong to the user that runs kms-sidecar",
        NotFound => "it does not exist",
        InputOutput => "the disk reported an input/output error",
        Exists => "it exists already",
        NotADirectory => "it is not a directory",
        IsADirectory => "it is a directory",
        SystemFileLimit or ProcessFileLimit => "too many files are open",
        NoSpace => "the disk is full; make room on it",
        ReadOnlyFileSystem => "the file system is read-only; mount it writable, or name another directory",
        NameTooLong => "the name is too long",
        TooManySymbolicLinks => "it is a symbolic link, which is not followed here",
        QuotaExceeded => "the disk quota is used up",
        _ => $"{Marshal.GetPInvokeErrorMessage(errno)} (errno {errno})",
    };

    public static FaultCause CauseOf(int errno) => errno switch
    {
        NotPermitted or AccessDenied => FaultCause.NoPermission,
        NotFound => FaultCause.Missing,
        InputOutput or NoSpace or QuotaExceeded => FaultCause.Disk,
        ReadOnlyFileSystem => FaultCause.ReadOnly,
        NotADirectory or IsADirectory or NameTooLong or TooManySymbolicLinks => FaultCause.Setting,
        _ => FaultCause.Unspecified,
    };
}
