using KmsSidecar.CommandLine.Client;

namespace KmsSidecar.CommandLine.Apply;

/// <summary>What there is to do about a fault, by the code that the daemon gave it.</summary>
internal static class FaultCodes
{
    public static bool IsNotFound(this CommandFault fault) => fault.Code is "KeyNotFound" or "UserNotFound" or "PolicyNotFound";

    /// <summary>Someone else has changed the service meanwhile: a new look may find another thing to do, or nothing.</summary>
    public static bool IsConflict(this CommandFault fault) => fault.Code is "WrongState" or "KeyExists" or "UserExists";

    /// <summary>The same request may succeed later, also where there was nobody to ask.</summary>
    public static bool MayPass(this CommandFault fault) => fault.Code is null
        ? fault.ExitCode == ExitCode.Unavailable
        : fault.Code is "NotRunning" or "BackendUnavailable" or "BackendTimeout" or "SlowDown";
}
