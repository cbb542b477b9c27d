namespace KmsSidecar.Errors;

/// <summary>What stands in the way of a start, where <see cref="KmsError"/> is too coarse to tell: the process ends with another code for each.
/// Callers over HTTP do not see it.</summary>
internal enum FaultCause
{
    /// <summary>What the error says.</summary>
    Unspecified,

    /// <summary>A setting, or what is written in a file that a setting names.</summary>
    Setting,

    /// <summary>A file or directory that a setting names is not there.</summary>
    Missing,

    /// <summary>Stored state cannot be used: it is damaged, or sealed with another master key.</summary>
    Damaged,
    ReadOnly,

    /// <summary>The disk is full, or reports errors.</summary>
    Disk,

    /// <summary>Another live process has it.</summary>
    Held,

    /// <summary>The process may not use it, or people may who must not.</summary>
    NoPermission,

    /// <summary>A network address cannot be had.</summary>
    Address,

    /// <summary>The clock cannot be right.</summary>
    Clock,
}
