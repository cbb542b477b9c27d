using KmsSidecar.Configuration;
using KmsSidecar.Errors;

namespace KmsSidecar.Lifecycle;

/// <summary>From the body of a configure or reconfigure to the configuration that it asks for. The caller disposes what it gets.</summary>
/// <remarks>Every method throws <see cref="KmsException"/> for a body that cannot be served, as far as the body alone tells.</remarks>
/// <param name="unwrap">Null where wrapping tokens are not taken.</param>
internal sealed class ConfigurationRequests(SecretIdUnwrapper? unwrap)
{
    public ValueTask<ConfigurationDocument> ReadConfigureAsync(Snapshot current, ReadOnlyMemory<byte> body, CancellationToken cancellation) =>
        UnwrapAsync(Configured(current, body.Span), cancellation);

    public ValueTask<ConfigurationDocument> ReadReconfigureAsync(Snapshot current, ReadOnlyMemory<byte> body, CancellationToken cancellation) =>
        UnwrapAsync(Reconfigured(current, body.Span), cancellation);

    /// <summary>As <see cref="ReadConfigureAsync"/>, and spends nothing.</summary>
    public static ConfigurationDocument RehearseConfigure(Snapshot current, ReadOnlyMemory<byte> body) => RefuseWrapped(Configured(current, body.Span));

    /// <summary>As <see cref="ReadReconfigureAsync"/>, and spends nothing.</summary>
    public static ConfigurationDocument RehearseReconfigure(Snapshot current, ReadOnlyMemory<byte> body) =>
        RefuseWrapped(Reconfigured(current, body.Span));

    private static ConfigurationDocument Configured(Snapshot current, ReadOnlySpan<byte> body)
    {
        using ConfigurationPatch patch = ConfigurationPatch.Read(body, current: null, "configure replaces the whole configuration");
        ConfigurationDocument document = Checked(ConfigurationDocument.Replace(patch, patch.Backend!.Value));
        if (current.IsRunning)
        {
            document.Dispose();
            throw new KmsException(KmsError.WrongState, "cannot configure while the service is running; use reconfigure, or stop it first");
        }

        return document;
    }

    private static ConfigurationDocument Reconfigured(Snapshot current, ReadOnlySpan<byte> body)
    {
        using ConfigurationPatch patch = ConfigurationPatch.Read(
            body, current.Document?.Backend, "there is no configuration yet that it could be taken from");
        return Checked(current.Document?.Merge(patch) ?? ConfigurationDocument.Replace(patch, patch.Backend!.Value));
    }

    private static ConfigurationDocument Checked(ConfigurationDocument document)
    {
        try
        {
            KmsConfiguration.From(document);
            return document;
        }
        catch
        {
            document.Dispose();
            throw;
        }
    }

    /// <summary>A wrapping token is spent when it is used, so that what is stored has to be what it brought.</summary>
    /// <param name="document">Taken over.</param>
    private async ValueTask<ConfigurationDocument> UnwrapAsync(ConfigurationDocument document, CancellationToken cancellation)
    {
        if (document.AuthMethod is not { IsWrapped: true } wrapped)
        {
            return document;
        }

        using (document)
        {
            if (unwrap is null)
            {
                throw new KmsException(KmsError.Unsupported, "wrapping tokens are not taken here: give the secret_id itself");
            }

            return document.WithAuthMethod(wrapped.Unwrapped(await unwrap(document, cancellation)));
        }
    }

    /// <param name="document">Taken over.</param>
    private static ConfigurationDocument RefuseWrapped(ConfigurationDocument document)
    {
        if (document.AuthMethod is { IsWrapped: true })
        {
            document.Dispose();
            throw new KmsException(
                KmsError.InvalidConfiguration, "a wrapping token is spent when it is used: a dry run takes a secret_id or a secret_id_file");
        }

        return document;
    }
}
