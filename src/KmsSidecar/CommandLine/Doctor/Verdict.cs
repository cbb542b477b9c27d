namespace KmsSidecar.CommandLine.Doctor;

internal enum Verdict
{
    Ok,

    /// <summary>It could not be seen as this user, or there is nothing to see yet.</summary>
    Skipped,

    /// <summary>The service works, and may not go on to.</summary>
    Warning,
    Fault,
}
