using System.Security.Cryptography.X509Certificates;
using KmsSidecar.Errors;
using KmsSidecar.Storage;

namespace KmsSidecar.Tls;

/// <summary>A server certificate that lies beside the authority that issued it, as <c>tls init</c> leaves it, so that this program renews it.</summary>
internal static class OwnCertificate
{
    /// <summary>Renews it if it is this program's own and due.</summary>
    /// <param name="replace">Runs the change of the files.</param>
    /// <returns>Whether it was.</returns>
    /// <exception cref="KmsException">It is due, and could not be renewed.</exception>
    public static bool RenewIfDue(TlsFiles files, IFileSteps steps, DateTimeOffset now, Action<Action> replace)
    {
        string? directory = Path.GetDirectoryName(Path.GetFullPath(files.Certificate));
        if (directory is null || directory != Path.GetDirectoryName(Path.GetFullPath(files.Key)) || !File.Exists(files.Certificate))
        {
            return false;
        }

        AuthorityDirectory home = new(directory, steps);
        using X509Certificate2? authority = home.FindAuthority();
        if (authority is null)
        {
            return false;
        }

        using X509Certificate2 certificate = ServerCertificate.ReadChain(files.Certificate)[0];
        if (!CertificateAuthority.HasIssued(authority, certificate) || !(IsOld(certificate, authority, now) || !HasItsKey(certificate, files)))
        {
            return false;
        }

        try
        {
            replace(() => home.Renew(now, certificate, files));
            return true;
        }
        catch (ArgumentException ended)
        {
            string ca = home.PathOf(AuthorityDirectory.Authority);
            throw new KmsException(
                KmsError.InvalidConfiguration,
                $"the CA {ca} is not valid now; make another with: kms-sidecar tls init --force, and give it to every client",
                ended);
        }
    }

    /// <summary>Less than a third of its life is left, and a new one would last longer.</summary>
    private static bool IsOld(X509Certificate2 certificate, X509Certificate2 authority, DateTimeOffset now)
    {
        DateTimeOffset end = new(certificate.NotAfter);
        TimeSpan life = certificate.NotAfter - certificate.NotBefore;
        return end - now < life / 3 && CertificateAuthority.EndOfServer(now, new DateTimeOffset(authority.NotAfter)) > end;
    }

    /// <summary>Not after a crash between the two files of a renewal.</summary>
    private static bool HasItsKey(X509Certificate2 certificate, TlsFiles files)
    {
        try
        {
            PrivateKeyPem.Attach(certificate, files.Key, files.Certificate).Dispose();
            return true;
        }
        catch (KmsException)
        {
            return false;
        }
    }
}
