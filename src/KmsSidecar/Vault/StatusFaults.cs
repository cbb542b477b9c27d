namespace KmsSidecar.Vault;

/// <summary>What an answer's status and errors mean, and the mend.</summary>
internal static class StatusFaults
{
    /// <summary>By what OpenBao 2.6.2 was seen to answer.</summary>
    /// <param name="server">As <see cref="IVault.Name"/>.</param>
    public static (VaultFault Fault, string Sentence) Of(string server, VaultCall call, int status, VaultErrorBody body) => status switch
    {
        503 when body.Reason.Contains("is sealed", StringComparison.Ordinal) =>
            (VaultFault.Sealed, $"Vault at {server} is sealed; run: vault operator unseal"),
        429 => (VaultFault.RateLimited, $"Vault at {server} limits the rate{Because(body)}; raise its quota, see: vault list sys/quotas/rate-limit"),
        >= 500 when body.Reason.Contains("not active", StringComparison.Ordinal) =>
            (VaultFault.ServerError, $"Vault at {server} is a standby and finds no active node{Because(body)}; see: vault operator members"),
        >= 500 => (VaultFault.ServerError, $"Vault at {server} failed with status {status}{Because(body)}; see its own log"),
        >= 400 when !body.IsVaults =>
            (VaultFault.NotVault, $"what answered at {server} is not Vault (status {status} without Vault's errors); check the address, and whatever stands before Vault"),
        403 when body.IsOfToken => (VaultFault.CredentialsRefused, $"Vault at {server} does not take the token: it has expired, was revoked, or was never there"),
        403 => (VaultFault.PolicyDenied, PolicySentence(server, call)),
        404 when body.Reason.Contains("namespace not found", StringComparison.Ordinal) =>
            (VaultFault.NotFound, $"there is no such namespace at {server}; see: vault namespace list"),
        404 when body.Reason.StartsWith("no handler for route", StringComparison.Ordinal) =>
            (VaultFault.NotFound, $"nothing is mounted at Vault's path {PathOf(call)} at {server}; see: vault secrets list"),
        404 => (VaultFault.NotFound, $"Vault at {server} has nothing at {PathOf(call)}"),
        _ => (VaultFault.Rejected, $"Vault at {server} refuses {call.Method} {PathOf(call)} with status {status}{Because(body)}"),
    };

    /// <summary>Of a redirect, none of which is followed: it would carry the token to where it leads.</summary>
    /// <param name="target">Scheme, host and port; empty when it names none.</param>
    public static (VaultFault Fault, string Sentence) OfRedirect(string server, string target) => (
        VaultFault.NotVault,
        target.Length == 0
            ? $"{server} redirects, which is not followed; set the address to the active node's own, or to a load balancer's"
            : $"{server} redirects to {target}, which is not followed: it is a standby that does not forward, or not Vault; set the address to the active node's own, or to a load balancer's");

    /// <summary>Without the query.</summary>
    private static string PathOf(VaultCall call)
    {
        int query = call.Path.IndexOf('?', StringComparison.Ordinal);
        return query < 0 ? call.Path : call.Path[..query];
    }

    public static string PolicySentence(string server, VaultCall call)
    {
        string path = PathOf(call);
        return $"the token may not {call.Method} {path} at {server}; add to its policy, with: vault policy write NAME FILE: path \"{path}\" {{ capabilities = [{CapabilitiesFor(call.Method)}] }}";
    }

    /// <summary>Vault asks for <c>create</c> where there is nothing yet, and for <c>update</c> where there is; many paths know one of them only.</summary>
    private static string CapabilitiesFor(HttpMethod method) =>
        method == HttpMethod.Get ? "\"read\""
        : method == VaultCall.List ? "\"list\""
        : method == HttpMethod.Delete ? "\"delete\""
        : method == HttpMethod.Patch ? "\"patch\""
        : "\"create\", \"update\"";

    private static string Because(VaultErrorBody body) => body.Reason.Length == 0 ? "" : $": {body.Reason}";
}
