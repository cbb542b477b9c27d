namespace KmsSidecar.CommandLine;

/// <summary>How the process ends: the values of sysexits(3) where one fits.</summary>
internal static class ExitCode
{
    public const int Ok = 0;

    /// <summary>A question was answered, with no.</summary>
    public const int Denied = 1;

    /// <summary>EX_USAGE: the command line is wrong.</summary>
    public const int Usage = 64;

    /// <summary>EX_DATAERR: the daemon refused what it was asked.</summary>
    public const int Refused = 65;

    /// <summary>EX_UNAVAILABLE: the daemon cannot be reached, or cannot answer now.</summary>
    public const int Unavailable = 69;

    /// <summary>EX_OSERR: an address or socket cannot be had.</summary>
    public const int Listen = 71;

    /// <summary>EX_CANTCREAT: the state directory, a key or a credential cannot be used.</summary>
    public const int Storage = 73;

    /// <summary>EX_NOPERM: the daemon does not listen to this user.</summary>
    public const int NoPermission = 77;

    /// <summary>EX_CONFIG: a setting is wrong.</summary>
    public const int Configuration = 78;
}
