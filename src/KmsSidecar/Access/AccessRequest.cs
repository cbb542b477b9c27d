using System.Net;

namespace KmsSidecar.Access;

/// <summary>What policies are judged on: who wants to do what with which key, and under which circumstances.</summary>
internal sealed record AccessRequest
{
    /// <summary>An action by its full name, such as <c>kms:DescribeKey</c>.</summary>
    public required string Action { get; init; }

    /// <summary>The id of the key that the operation will act on, after aliases; null when it is about no one key, or none can be told.</summary>
    public string? KeyId { get; init; }

    /// <summary>Condition key <c>aws:username</c>.</summary>
    public required string UserName { get; init; }

    /// <summary>Condition key <c>aws:SourceIp</c>; null where there is none.</summary>
    public IPAddress? SourceAddress { get; init; }

    /// <summary>Condition key <c>aws:CurrentTime</c>.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>Condition key <c>aws:SecureTransport</c>: the request came over TLS.</summary>
    public bool IsSecure { get; init; }

    /// <summary>It changes nothing: all that <c>admin:ServerInfo</c> grants where <see cref="LegacyServerInfo.ReadOnly"/> applies.</summary>
    public bool IsRead { get; init; }
}
