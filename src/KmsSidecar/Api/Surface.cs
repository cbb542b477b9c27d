namespace KmsSidecar.Api;

/// <summary>The doors of the daemon. A route says through which of them it is reached.</summary>
[Flags]
internal enum Surface
{
    None = 0,

    /// <summary>TCP, authenticated by SigV4.</summary>
    Tcp = 1,

    /// <summary>Unix socket for data keys, authenticated by the kernel (SO_PEERCRED).</summary>
    DataSocket = 2,

    /// <summary>Unix socket with the admin routes, authenticated by the kernel.</summary>
    AdminSocket = 4,
}
