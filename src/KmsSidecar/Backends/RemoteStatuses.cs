using System.Text.Json;
using KmsSidecar.Keys;
using KmsSidecar.Vault;

namespace KmsSidecar.Backends;

internal static class RemoteStatuses
{
    /// <summary>Null where the client does not say.</summary>
    public static RemoteStatus? Of(IVault vault) => vault.Status is not { } status ? null : new RemoteStatus(
        vault.Name,
        status.Method,
        status.Authenticated,
        status.ExpiresAt,
        status.SecondsLeft,
        status.Renewable,
        status.LastError,
        status.LastRenewal,
        status.Generation,
        NameOf(status.Operations),
        NameOf(status.Credentials),
        status.Opened,
        status.InFlight,
        status.Queued,
        status.Attempts,
        status.Retries,
        [.. status.Failures.Select(static failure => (NameOf(failure.Fault), failure.Count))]);

    private static string NameOf<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
}
