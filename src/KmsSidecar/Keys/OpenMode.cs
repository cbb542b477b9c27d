namespace KmsSidecar.Keys;

/// <summary>What opening a backend may do to the place where its keys are.</summary>
internal enum OpenMode
{
    /// <summary>For a start and for a change: a place that is not there yet is made.</summary>
    CreateMissing,

    /// <summary>For coming back after a restart and for decrypt-only backends: the keys were there. A place that is missing or empty is not
    /// the one it was (a file system that is not mounted), and nothing is made in it.</summary>
    Existing,

    /// <summary>As <see cref="Existing"/>, to find out whether it could be opened: nothing in the place is put in order either.</summary>
    Inspect,
}
