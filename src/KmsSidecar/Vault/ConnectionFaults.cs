using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using KmsSidecar.Observability;

namespace KmsSidecar.Vault;

/// <summary>Why there is no answer, or half of one, and the setting that mends it.</summary>
internal static class ConnectionFaults
{
    /// <param name="WasSent">Vault may have got the request.</param>
    public readonly record struct Found(VaultFault Fault, string Sentence, bool WasSent);

    /// <param name="showsNothing">TLS without a client certificate: a server that wants one says so by closing the connection.</param>
    public static Found Of(string server, string host, bool showsNothing, Exception failure)
    {
        HttpRequestError kind = (failure as HttpRequestException)?.HttpRequestError ?? HttpRequestError.Unknown;
        SocketError? socket = Find<SocketException>(failure)?.SocketErrorCode;
        string reason = PrintableText.Of(Innermost(failure).Message);
        if (Find<AuthenticationException>(failure) is { } refused)
        {
            return new Found(VaultFault.Unreachable, Tls(server, host, refused, reason), kind != HttpRequestError.SecureConnectionError);
        }

        return kind switch
        {
            HttpRequestError.NameResolutionError => new Found(
                VaultFault.Unreachable, $"the name {host} of Vault's address {server} cannot be resolved ({reason}); check the address, DNS, and that IPAddressAllow= in the unit has the name server", WasSent: false),
            HttpRequestError.ConnectionError when socket == SocketError.ConnectionRefused => new Found(
                VaultFault.Unreachable, $"nothing listens at {server}; start Vault there, or correct the address", WasSent: false),
            HttpRequestError.ConnectionError => new Found(
                VaultFault.Unreachable, $"there is no connection to Vault at {server} ({reason}); check the address, the route, the firewall and IPAddressAllow= in the unit", WasSent: false),
            HttpRequestError.SecureConnectionError => new Found(VaultFault.Unreachable, NoHandshake(server, reason), WasSent: false),
            HttpRequestError.ConfigurationLimitExceeded or HttpRequestError.InvalidResponse => new Found(
                VaultFault.NotVault, $"what answered at {server} is not Vault ({reason}); check the address, and https:// against http://", WasSent: true),
            _ => new Found(
                VaultFault.Unreachable,
                $"the connection to Vault at {server} broke ({reason}); see Vault's own log{(showsNothing ? ", and where it asks for a client certificate, set client_cert_path and client_key_path" : "")}",
                WasSent: true),
        };
    }

    private static string Tls(string server, string host, AuthenticationException refused, string reason)
    {
        string why = refused.Message;
        return why.Contains(nameof(SslPolicyErrors.RemoteCertificateNameMismatch), StringComparison.Ordinal)
            ? $"the certificate of Vault at {server} is not for {host}; set the address to a name that is in it, or give Vault one with this name"
            : why.Contains("NotTimeValid", StringComparison.Ordinal)
            ? $"the certificate of Vault at {server} has expired or is not valid yet; renew it, and check the clocks"
            : why.Contains("certificate chain", StringComparison.Ordinal) || why.Contains(nameof(SslPolicyErrors.RemoteCertificateChainErrors), StringComparison.Ordinal)
            ? $"the certificate of Vault at {server} is from an authority that is not trusted; set ca_cert_path to the authority's PEM file"
            : NoHandshake(server, reason);
    }

    private static string NoHandshake(string server, string reason) =>
        $"there is no TLS with Vault at {server} ({reason}); where it asks for a client certificate, set client_cert_path and client_key_path, and where it has no TLS, http:// in the address";

    private static T? Find<T>(Exception? failure)
        where T : Exception
    {
        for (; failure is not null; failure = failure.InnerException)
        {
            if (failure is T found)
            {
                return found;
            }
        }

        return null;
    }

    private static Exception Innermost(Exception failure)
    {
        while (failure.InnerException is { } inner)
        {
            failure = inner;
        }

        return failure;
    }
}
