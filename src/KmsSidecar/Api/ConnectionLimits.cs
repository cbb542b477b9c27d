namespace KmsSidecar.Api;

/// <summary>How many connections there may be, and how long one may take over what it sends.</summary>
internal sealed record ConnectionLimits
{
    public static readonly ConnectionLimits Default = new();

    /// <summary>From the connection to the end of the TLS handshake.</summary>
    public TimeSpan Handshake { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>From the first byte of a request to the end of its head.</summary>
    public TimeSpan Head { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>From the end of the head to the end of the body.</summary>
    public TimeSpan Body { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Between two requests.</summary>
    public TimeSpan Idle { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Below the usual hard limit of open files; one more is closed at once instead of failing the accept.</summary>
    public int Connections { get; init; } = 16_384;

    /// <summary>Connections that wait to be accepted: the kernel's usual net.core.somaxconn. A Unix socket refuses what is beyond it with EAGAIN.</summary>
    public int Backlog { get; init; } = 4096;
}
