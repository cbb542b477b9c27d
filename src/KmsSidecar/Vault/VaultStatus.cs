using System.Collections.Immutable;

namespace KmsSidecar.Vault;

/// <summary>How a client fares at one moment: for the status and the metrics. Nothing in it is secret.</summary>
/// <param name="Method">As the configuration names it.</param>
/// <param name="Authenticated">There is a token that may be used.</param>
/// <param name="ExpiresAt">Of the token, by the wall clock; null when it never ends, or nobody says.</param>
/// <param name="SecondsLeft">Until then; null as <paramref name="ExpiresAt"/>.</param>
/// <param name="LastError">Of the token's upkeep; null when it goes well.</param>
/// <param name="LastRenewal">When a token was last had, renewed or looked up.</param>
/// <param name="Generation">Number of the token in use: each log-in counts one.</param>
/// <param name="InFlight">Operations that have a slot.</param>
/// <param name="Queued">Operations that wait for one.</param>
/// <param name="Attempts">Requests sent, of operations and credentials.</param>
/// <param name="Retries">Those of them beyond the first of their call.</param>
/// <param name="Opened">How often a breaker has opened.</param>
/// <param name="Failures">Of attempts, and of calls that were not sent; every fault is there.</param>
internal sealed record VaultStatus(
    string Method,
    bool Authenticated,
    DateTimeOffset? ExpiresAt,
    long? SecondsLeft,
    bool Renewable,
    string? LastError,
    DateTimeOffset? LastRenewal,
    long Generation,
    CircuitState Operations,
    CircuitState Credentials,
    int InFlight,
    int Queued,
    long Attempts,
    long Retries,
    long Opened,
    ImmutableArray<(VaultFault Fault, long Count)> Failures);
