using KmsSidecar.Errors;

namespace KmsSidecar.Vault;

/// <summary>What became of a call, by what there is to do about it.</summary>
internal enum VaultFault
{
    /// <summary>A 2xx.</summary>
    None,

    /// <summary>404: no such key, version, path or mount.</summary>
    NotFound,

    /// <summary>400 and other statuses by which a live server refuses this one request: a CAS conflict, a ciphertext that does not open.
    /// A batch with one bad item is this too, and its body carries every item's result.</summary>
    Rejected,

    /// <summary>403 by a policy: the token is alive and may not do this.</summary>
    PolicyDenied,

    /// <summary>There is no token that the server takes, and a new log-in did not help.</summary>
    CredentialsRefused,

    /// <summary>503 of a sealed server.</summary>
    Sealed,

    /// <summary>429.</summary>
    RateLimited,

    /// <summary>Another 5xx, or a standby that does not forward.</summary>
    ServerError,

    /// <summary>No connection, or one that broke.</summary>
    Unreachable,

    /// <summary>No whole answer within the time.</summary>
    TimedOut,

    /// <summary>Not sent: the last ones failed, and it is not time yet to try again.</summary>
    CircuitOpen,

    /// <summary>Not sent: too many wait already.</summary>
    Overloaded,

    /// <summary>An answer, but none of Vault's: not JSON, too long, a redirect to another host, a member missing.</summary>
    NotVault,
}

internal static class VaultFaults
{
    /// <summary>What a caller of the sidecar is told.</summary>
    public static KmsError ToError(this VaultFault fault) => fault switch
    {
        VaultFault.None => KmsError.None,
        VaultFault.NotFound => KmsError.KeyNotFound,
        VaultFault.Rejected or VaultFault.PolicyDenied or VaultFault.NotVault => KmsError.BackendRejected,
        VaultFault.TimedOut => KmsError.BackendTimeout,
        _ => KmsError.BackendUnavailable,
    };
}
