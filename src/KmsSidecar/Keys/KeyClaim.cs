namespace KmsSidecar.Keys;

/// <summary>Whether a backend is the one that opens an envelope, as far as it can tell without asking elsewhere.</summary>
internal enum KeyClaim
{
    /// <summary>Another form, or a key that is certainly not here.</summary>
    No,

    /// <summary>The form fits; whether the key is here is known only where the keys are.</summary>
    Perhaps,

    /// <summary>The key is here, damaged or disabled though it may be. Only of a backend that knows all its keys.</summary>
    Yes,
}
