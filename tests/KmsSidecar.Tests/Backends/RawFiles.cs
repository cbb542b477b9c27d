using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace KmsSidecar.Tests.Backends;

/// <summary>Files whose names are bytes: .NET can neither make nor delete one whose name is not UTF-8.</summary>
internal static partial class RawFiles
{
    private const int WriteOnlyCreate = 0x41;

    public static void Create(byte[] path)
    {
        using SafeFileHandle file = Open([.. path, 0], WriteOnlyCreate, 0x180);
        Assert.False(file.IsInvalid);
    }

    public static void Delete(byte[] path) => Assert.Equal(0, Unlink([.. path, 0]));

    [LibraryImport("libc", EntryPoint = "open")]
    private static partial SafeFileHandle Open(byte[] path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "unlink")]
    private static partial int Unlink(byte[] path);
}
