using System.Collections.Immutable;
using KmsSidecar.Errors;

namespace KmsSidecar.CommandLine;

/// <summary>How the process ends: the values of sysexits(3) where one fits.</summary>
internal static class ExitCode
{
    public const int Ok = 0;

    /// <summary>A question was answered, with no.</summary>
    public const int Denied = 1;
    public const int Usage = 64;
    public const int Refused = 65;
    public const int Missing = 66;
    public const int Unavailable = 69;
    public const int Internal = 70;
    public const int Address = 71;
    public const int Storage = 73;
    public const int Disk = 74;
    public const int Held = 75;
    public const int Clock = 76;
    public const int NoPermission = 77;
    public const int Configuration = 78;

    /// <summary>Every code, in the words of --help, of the README and of the manual.</summary>
    public static readonly ImmutableArray<ExitCodeRow> All =
    [
        new(Ok, "EX_OK", "done, or the answer is yes", MayPass: false),
        new(Denied, "", "the answer is no, as of policy check, or of status when the service does not run or is not healthy", MayPass: false),
        new(Usage, "EX_USAGE", "the command line is wrong", MayPass: false),
        new(Refused, "EX_DATAERR", "the daemon refuses what it is asked, or stored state is damaged or of another master key", MayPass: false),
        new(Missing, "EX_NOINPUT", "a file or directory that a setting names is missing", MayPass: false),
        new(Unavailable, "EX_UNAVAILABLE", "the daemon or a backend cannot be asked now", MayPass: true),
        new(Internal, "EX_SOFTWARE", "an error of the program itself", MayPass: true),
        new(Address, "EX_OSERR", "a network address cannot be had", MayPass: true),
        new(Storage, "EX_CANTCREAT", "a file or directory cannot be made or written, as on a read-only file system", MayPass: false),
        new(Disk, "EX_IOERR", "the disk is full, or reports errors", MayPass: true),
        new(Held, "EX_TEMPFAIL", "a directory or socket is in use by another process", MayPass: true),
        new(Clock, "EX_PROTOCOL", "the clock cannot be right", MayPass: true),
        new(NoPermission, "EX_NOPERM", "no permission, or others can read a file with a secret", MayPass: false),
        new(Configuration, "EX_CONFIG", "a setting is wrong", MayPass: false),
    ];

    public static int Of(KmsException fault) => Of(fault.Cause, fault.Error switch
    {
        KmsError.InvalidConfiguration => Configuration,
        KmsError.BackendUnavailable or KmsError.BackendTimeout => Unavailable,
        _ => Storage,
    });

    /// <param name="otherwise">For a cause that does not tell.</param>
    public static int Of(FaultCause cause, int otherwise) => cause switch
    {
        FaultCause.Setting => Configuration,
        FaultCause.Missing => Missing,
        FaultCause.Damaged => Refused,
        FaultCause.ReadOnly => Storage,
        FaultCause.Disk => Disk,
        FaultCause.Held => Held,
        FaultCause.NoPermission => NoPermission,
        FaultCause.Address => Address,
        FaultCause.Clock => Clock,
        _ => otherwise,
    };
}

/// <param name="Name">Of sysexits(3); empty where it has none.</param>
/// <param name="MayPass">The same start may succeed later, with nothing mended on this node: a unit may try it again.</param>
internal sealed record ExitCodeRow(int Code, string Name, string Meaning, bool MayPass);
