using System.Collections.Immutable;

namespace KmsSidecar.Options;

/// <summary>Where RustFS is and how it is asked, for its default key to follow the daemon's.</summary>
/// <param name="Endpoint">RustFS's own port.</param>
/// <param name="KmsEndpoint">How RustFS reaches this daemon.</param>
/// <param name="CredentialsFile">Null for the daemon's own root credentials.</param>
/// <param name="CaFile">Null for what the system trusts.</param>
internal sealed record RustFsOptions(Uri Endpoint, Uri KmsEndpoint, string? CredentialsFile, string? CaFile)
{
    /// <summary>Null when RustFS is not to follow, or the values have faults.</summary>
    /// <param name="listen">Where this daemon is: unless it is told otherwise, RustFS reaches it on the first of these that is TLS.</param>
    public static RustFsOptions? From(OptionValues values, ImmutableArray<ListenAddress> listen)
    {
        if (values.Find(DaemonOption.RustFsEndpoint) is not { } given)
        {
            DaemonOption[] others = [DaemonOption.RustFsCredentialsFile, DaemonOption.RustFsCaFile, DaemonOption.RustFsKmsEndpoint];
            foreach (OptionValue idle in others.Select(values.Find).OfType<OptionValue>().Where(static value => !value.IsCredential))
            {
                values.Refuse(idle, "it says how RustFS follows, but --rustfs-endpoint does not say where RustFS is");
            }

            return null;
        }

        Uri? endpoint = ReadEndpoint(values, given, isSecureOnly: false);
        Uri? kmsEndpoint = null;
        if (values.Find(DaemonOption.RustFsKmsEndpoint) is { } ours)
        {
            kmsEndpoint = ReadEndpoint(values, ours, isSecureOnly: true);
        }
        else if (listen.FirstOrDefault(static address => address is { IsTls: true, EndPoint.Port: > 0 }) is { } tls)
        {
            kmsEndpoint = new Uri($"https://{tls.Host}:{tls.EndPoint.Port}");
        }
        else
        {
            values.Refuse(given, "RustFS reaches this daemon over TLS only: add --listen https://ADDR:PORT, or say where with --rustfs-kms-endpoint");
        }

        return endpoint is null || kmsEndpoint is null
            ? null
            : new RustFsOptions(
                endpoint, kmsEndpoint, values.Text(DaemonOption.RustFsCredentialsFile), values.Text(DaemonOption.RustFsCaFile));
    }

    /// <param name="isSecureOnly">RustFS takes no plain HTTP for a KMS, not even on loopback.</param>
    private static Uri? ReadEndpoint(OptionValues values, OptionValue given, bool isSecureOnly)
    {
        string scheme = isSecureOnly ? "https" : "http(s)";
        if (EndpointAddress.TryParse(given.Text) is not { } uri)
        {
            values.Refuse(given, $"expected {scheme}://HOST:PORT and nothing behind it");
            return null;
        }

        if (uri.Scheme == "http" && (isSecureOnly || !EndpointAddress.IsLoopback(uri)))
        {
            values.Refuse(given, isSecureOnly ? "RustFS takes https:// only" : "plain HTTP is for loopback only; use https:// here");
            return null;
        }

        return uri;
    }
}
