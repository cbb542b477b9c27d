namespace KmsSidecar.Observability;

/// <summary>What became of a request, in the words of an operator: whose the fault is.</summary>
internal enum RequestResult
{
    Success,

    /// <summary>The caller is not who it says, or may not do this.</summary>
    Denied,

    /// <summary>The caller asked for what cannot be had: malformed, no such key, a ciphertext that does not open. Or it has gone away.</summary>
    Invalid,

    /// <summary>The service or its backend is away.</summary>
    Unavailable,

    /// <summary>The backend did not answer in time.</summary>
    Timeout,

    /// <summary>A fault of the daemon, of its disk, or of what its backend says.</summary>
    Error,
}

internal static class RequestResults
{
    /// <summary>The results that a caller is not to blame for.</summary>
    public static readonly RequestResult[] Failures = [RequestResult.Unavailable, RequestResult.Timeout, RequestResult.Error];

    public static string Tag(this RequestResult result) => result switch
    {
        RequestResult.Success => "success",
        RequestResult.Denied => "denied",
        RequestResult.Invalid => "invalid",
        RequestResult.Unavailable => "unavailable",
        RequestResult.Timeout => "timeout",
        _ => "error",
    };
}
