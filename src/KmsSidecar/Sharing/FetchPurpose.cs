namespace KmsSidecar.Sharing;

/// <summary>What a value of a cache is asked for.</summary>
internal enum FetchPurpose
{
    Use,

    /// <summary>Use, and not of what is kept.</summary>
    Refresh,

    /// <summary>One of many that are looked at: no other is to go for it.</summary>
    Look,
}
