namespace KmsSidecar.Vault;

/// <summary>What was found out about a token that Vault has refused.</summary>
internal enum TokenVerdict
{
    /// <summary>There is another one by now: send again.</summary>
    Replaced,

    /// <summary>It is alive: what it was used for is refused.</summary>
    Alive,

    /// <summary>It is dead, and there is no other.</summary>
    Dead,

    /// <summary>Vault could not be asked.</summary>
    Unknown,
}
