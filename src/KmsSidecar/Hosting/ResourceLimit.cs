using System.Runtime.InteropServices;

namespace KmsSidecar.Hosting;

/// <summary>What the system lets this process have of one thing, getrlimit(2); numbers are the same on x86-64 and arm64.</summary>
internal static partial class ResourceLimit
{
    /// <summary>RLIMIT_NOFILE.</summary>
    public const int OpenFiles = 7;

    /// <summary>RLIMIT_MEMLOCK.</summary>
    public const int LockedMemory = 8;

    public const ulong Infinite = ulong.MaxValue;

    /// <summary>Raises the soft limit to the hard one, where the system does not refuse.</summary>
    /// <returns>The soft limit then; 0 where there is no telling.</returns>
    public static ulong Raise(int resource)
    {
        if (Get(resource, out Limit limit) != 0)
        {
            return 0;
        }

        if (limit.Soft < limit.Hard)
        {
            Limit raised = limit with { Soft = limit.Hard };
            limit = Set(resource, in raised) == 0 ? raised : limit;
        }

        return limit.Soft;
    }

    /// <summary>The soft limit; 0 where there is no telling.</summary>
    public static ulong SoftOf(int resource) => Get(resource, out Limit limit) == 0 ? limit.Soft : 0;

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
