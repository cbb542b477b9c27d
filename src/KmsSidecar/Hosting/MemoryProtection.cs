using System.Runtime.InteropServices;
using KmsSidecar.Storage;

namespace KmsSidecar.Hosting;

/// <summary>Keeps the memory of this process, keys and all, out of the swap and out of core dumps.</summary>
internal static partial class MemoryProtection
{
    /// <summary>MCL_CURRENT, MCL_FUTURE and MCL_ONFAULT, mlock(2): what is touched stays, and nothing else is fetched.</summary>
    private const int Everything = 1 | 2 | 4;

    /// <summary>PR_SET_DUMPABLE, prctl(2). Its owner cannot trace such a process either, and most of /proc/PID is root's.</summary>
    private const int SetDumpable = 4;

    /// <summary>_LINUX_CAPABILITY_VERSION_3 and CAP_IPC_LOCK, capabilities(7).</summary>
    private const uint CapabilityVersion = 0x2008_0522;
    private const int LockMemory = 14;

    /// <returns>What cannot be had, and how to mend that; empty when all is well.</returns>
    public static IReadOnlyList<string> Apply()
    {
        List<string> faults = [];
        if (SetProcess(SetDumpable, 0, 0, 0, 0) != 0)
        {
            faults.Add($"core dumps of this process would have keys in them: {Errno.Describe(Marshal.GetLastPInvokeError())}; set LimitCORE=0");
        }

        // Under a finite limit the lock itself may succeed, and an allocation fail at any later time.
        if (ResourceLimit.Raise(ResourceLimit.LockedMemory) != ResourceLimit.Infinite && !MayLockMemory())
        {
            faults.Add("keys in memory may be written to the swap: the limit of locked memory is finite; set LimitMEMLOCK=infinity in the unit, or `ulimit -l unlimited`");
        }
        else if (LockAll(Everything) != 0)
        {
            faults.Add(
                $"keys in memory may be written to the swap: {Errno.Describe(Marshal.GetLastPInvokeError())}; let the unit's SystemCallFilter= have @memlock");
        }

        return faults;
    }

    private static bool MayLockMemory()
    {
        CapabilityHeader header = new() { Version = CapabilityVersion };
        Capabilities own = default;
        return GetCapabilities(ref header, ref own) == 0 && (own.Effective & (1u << LockMemory)) != 0;
    }

    [LibraryImport("libc", EntryPoint = "mlockall", SetLastError = true)]
    private static partial int LockAll(int flags);

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int SetProcess(int option, nuint value, nuint unused3, nuint unused4, nuint unused5);

    [LibraryImport("libc", EntryPoint = "capget")]
    private static partial int GetCapabilities(ref CapabilityHeader header, ref Capabilities own);

    /// <summary>struct __user_cap_header_struct; process 0 is the caller.</summary>
    private struct CapabilityHeader
    {
        public uint Version;
        public int Process;
    }

    /// <summary>Two of struct __user_cap_data_struct: capabilities 0 to 31, and the rest.</summary>
    private struct Capabilities
    {
        public uint Effective;
        public uint Permitted;
        public uint Inheritable;
        public uint EffectiveRest;
        public uint PermittedRest;
        public uint InheritableRest;
    }
}
