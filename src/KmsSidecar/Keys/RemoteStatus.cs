using System.Collections.Immutable;

namespace KmsSidecar.Keys;

/// <summary>How a backend fares with the server that its keys are on. Nothing in it is secret.</summary>
/// <param name="Server">For people: the address, and the namespace where there is one.</param>
/// <param name="AuthMethod">As the configuration names it.</param>
/// <param name="Authenticated">There are credentials that may be used.</param>
/// <param name="ExpiresAt">When they end, as far as that is known; null too where they never do.</param>
/// <param name="LastError">Of their upkeep; null when it goes well.</param>
/// <param name="LastRenewal">When they were last had, renewed or looked up.</param>
/// <param name="LogIns">Since the backend was opened.</param>
/// <param name="Breaker">Of operations: closed, open, or half_open.</param>
/// <param name="CredentialsBreaker">Of log-ins and renewals.</param>
/// <param name="Opened">How often a breaker has opened.</param>
/// <param name="InFlight">Calls under way.</param>
/// <param name="Queued">Calls that wait for others to end.</param>
/// <param name="Requests">Sent, repeated ones too.</param>
/// <param name="Retries">The repeated ones of them.</param>
/// <param name="Failures">Requests that came to nothing, and calls that were not sent, by what was the matter: a closed set of names.</param>
internal sealed record RemoteStatus(
    string Server,
    string AuthMethod,
    bool Authenticated,
    DateTimeOffset? ExpiresAt,
    long? SecondsLeft,
    bool Renewable,
    string? LastError,
    DateTimeOffset? LastRenewal,
    long LogIns,
    string Breaker,
    string CredentialsBreaker,
    long Opened,
    int InFlight,
    int Queued,
    long Requests,
    long Retries,
    ImmutableArray<(string Name, long Count)> Failures);
