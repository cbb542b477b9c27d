using System.Security.Cryptography.X509Certificates;
using System.Text;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Storage;

namespace KmsSidecar.Tls;

/// <summary>The four files of <c>tls init</c> in one directory: an authority and a server certificate, each with its key.</summary>
internal sealed class AuthorityDirectory(string path, IFileSteps steps)
{
    public const string Authority = "ca.pem";
    public const string AuthorityKey = "ca-key.pem";
    public const string Server = "server.pem";
    public const string ServerKey = "server-key.pem";

    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Public = Private | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>RustFS, as another user, reads the authority's certificate; the keys have modes of their own.</summary>
    private const UnixFileMode Shared = DurableDirectory.PrivateMode
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private readonly DurableDirectory _directory = new(path, steps);

    public string FullPath => _directory.FullPath;

    /// <summary>Makes a new authority and a server certificate.</summary>
    /// <param name="replace">Those that are there may be written over.</param>
    /// <returns>When each ends.</returns>
    /// <exception cref="KmsException">Something is there and may not be written over, or a file cannot be written.</exception>
    public (DateTimeOffset Authority, DateTimeOffset Server) Initialise(DateTimeOffset now, IEnumerable<string> names, bool replace)
    {
        _directory.EnsureExists(Shared);
        string? there = ((string[])[Authority, AuthorityKey, Server, ServerKey]).FirstOrDefault(_directory.Exists);
        if (there is not null && !replace)
        {
            throw new KmsException(
                KmsError.StorageFailed,
                $"{PathOf(there)} exists already; --force replaces the CA and the server certificate, and every client must then be given the new {Authority}");
        }

        using CertificateAuthority authority = CertificateAuthority.Create(now, Environment.MachineName, out SecretBytes authorityKey);
        using (authorityKey)
        {
            (string chain, SecretBytes serverKey, DateTimeOffset serverEnd) = authority.Issue(now, ServerNames.ToExtension(names));
            using (serverKey)
            {
                _directory.Replace(AuthorityKey, authorityKey.Span, Private);
                _directory.Replace(Authority, Encoding.ASCII.GetBytes(authority.CertificatePem()), Public);
                _directory.Replace(ServerKey, serverKey.Span, Private);
                _directory.Replace(Server, Encoding.ASCII.GetBytes(chain), Public);
                return (authority.NotAfter, serverEnd);
            }
        }
    }

    /// <summary>The authority's certificate, if this is a directory of an authority.</summary>
    public X509Certificate2? FindAuthority() =>
        _directory.Exists(Authority) && _directory.Exists(AuthorityKey) ? ServerCertificate.ReadChain(PathOf(Authority))[0] : null;

    /// <summary>Puts a new server certificate, with a new key and the names of the former one, in the place of that.</summary>
    /// <remarks>The key is first. A crash before the certificate follows leaves a pair that does not match, which is what a renewal looks for.</remarks>
    /// <param name="former">Any certificate of this authority.</param>
    /// <exception cref="KmsException">The authority's key cannot be used, or a file cannot be written.</exception>
    public void Renew(DateTimeOffset now, X509Certificate2 former, TlsFiles files)
    {
        using CertificateAuthority authority = CertificateAuthority.Load(PathOf(Authority), PathOf(AuthorityKey));
        X509Extension names = former.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault()
            ?? ServerNames.ToExtension(ServerNames.Local);
        (string chain, SecretBytes key, _) = authority.Issue(now, names);
        using (key)
        {
            _directory.Recover();
            _directory.Replace(Path.GetFileName(files.Key), key.Span, Private);
            _directory.Replace(Path.GetFileName(files.Certificate), Encoding.ASCII.GetBytes(chain), Public);
        }
    }

    public string PathOf(string name) => Path.Join(FullPath, name);
}
