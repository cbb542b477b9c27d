using System.Runtime.InteropServices;

namespace KmsSidecar.Hosting;

/// <summary>Raises the soft limit of open files to the hard one, getrlimit(2).</summary>
/// <remarks>The JIT runtime does this at its start and the native one does not: under the usual soft limit of 1024 the published binary would
/// stop accepting long before <see cref="Api.ConnectionLimits.Connections"/>. Nothing here uses select(2), which is what the low limit is for.</remarks>
internal static partial class OpenFileLimit
{
    /// <summary>RLIMIT_NOFILE, the same on x86-64 and arm64.</summary>
    private const int OpenFiles = 7;

    /// <summary>Leaves the limit as it is where the system refuses: the daemon then serves fewer connections.</summary>
    public static void Raise()
    {
        if (Get(OpenFiles, out Limit limit) == 0 && limit.Soft < limit.Hard)
        {
            limit.Soft = limit.Hard;
            _ = Set(OpenFiles, in limit);
        }
    }

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int Get(int resource, out Limit limit);

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int Set(int resource, in Limit limit);

    /// <summary>struct rlimit with rlim_t of 64 bits.</summary>
    private struct Limit
    {
        public ulong Soft;
        public ulong Hard;
    }
}
