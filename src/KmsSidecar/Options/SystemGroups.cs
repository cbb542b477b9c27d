using System.Globalization;
using System.Runtime.InteropServices;

namespace KmsSidecar.Options;

/// <summary>The groups of this machine, getgrnam(3).</summary>
internal static partial class SystemGroups
{
    /// <summary>Finds a group by number, which need not exist, or by name. Not thread-safe: the C library answers in memory of its own.</summary>
    public static unsafe bool TryFind(string group, out uint id)
    {
        if (uint.TryParse(group, NumberStyles.None, CultureInfo.InvariantCulture, out id))
        {
            return true;
        }

        Entry* entry = Find(group);
        id = entry is null ? 0 : entry->Id;
        return entry is not null;
    }

    [LibraryImport("libc", EntryPoint = "getgrnam", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial Entry* Find(string name);

    /// <summary>struct group, up to the member that is read.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Entry
    {
        private readonly nint _name;
        private readonly nint _password;

        public readonly uint Id;
    }
}
