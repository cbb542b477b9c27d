using System.Collections.Immutable;
using KmsSidecar.Keys;

namespace KmsSidecar.Api;

/// <summary>How a backend fares with its server, in <c>/kms/status</c>.</summary>
/// <param name="TokenSecondsLeft">Null where the token never ends, or nobody says.</param>
/// <param name="Failures">By what was the matter, those that have happened alone.</param>
internal sealed record RemoteSummary(
    string Server,
    string AuthMethod,
    bool Authenticated,
    string? TokenExpiresAt,
    long? TokenSecondsLeft,
    bool TokenRenewable,
    string? LastError,
    string? LastRenewalAt,
    long LogIns,
    string Breaker,
    int InFlight,
    int Queued,
    long Requests,
    long Retries,
    ImmutableSortedDictionary<string, long> Failures)
{
    public static RemoteSummary? Of(RemoteStatus? status) => status is null ? null : new RemoteSummary(
        status.Server,
        status.AuthMethod,
        status.Authenticated,
        StatusRoutes.Rfc3339(status.ExpiresAt),
        status.SecondsLeft,
        status.Renewable,
        status.LastError,
        StatusRoutes.Rfc3339(status.LastRenewal),
        status.LogIns,
        status.Breaker,
        status.InFlight,
        status.Queued,
        status.Requests,
        status.Retries,
        status.Failures.Where(static failure => failure.Count > 0).ToImmutableSortedDictionary(
            static failure => failure.Name, static failure => failure.Count, StringComparer.Ordinal));
}
