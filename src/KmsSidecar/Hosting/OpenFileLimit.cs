namespace KmsSidecar.Hosting;

/// <summary>Raises the soft limit of open files to the hard one.</summary>
/// <remarks>The JIT runtime does this at its start and the native one does not: under the usual soft limit of 1024 the published binary would
/// stop accepting long before <see cref="Api.ConnectionLimits.Connections"/>. Nothing here uses select(2), which is what the low limit is for.</remarks>
internal static class OpenFileLimit
{
    /// <summary>Leaves the limit as it is where the system refuses: the daemon then serves fewer connections.</summary>
    public static void Raise() => ResourceLimit.Raise(ResourceLimit.OpenFiles);
}
