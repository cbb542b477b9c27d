using KmsSidecar.Storage;
using KmsSidecar.Tests.Storage;
using KmsSidecar.Tests.Support;
using KmsSidecar.Tls;
using Xunit;

namespace KmsSidecar.Tests.Tls;

/// <summary>Certificates, made by this program and by OpenSSL's command line, which also judges what the program made.</summary>
internal static class OpenSsl
{
    /// <summary>What <c>tls init</c> makes, in the directory.</summary>
    public static TlsFiles Init(TempDirectory directory, DateTimeOffset now)
    {
        AuthorityDirectory authority = new(directory.FullPath, new SystemFileSteps());
        authority.Initialise(now, ServerNames.Local, replace: true);
        return new TlsFiles(authority.PathOf(AuthorityDirectory.Server), authority.PathOf(AuthorityDirectory.ServerKey));
    }

    /// <summary>Another certificate of the same authority, the key in its place before the certificate.</summary>
    public static void Reissue(TempDirectory directory, TlsFiles files) => new AuthorityDirectory(directory.FullPath, new SystemFileSteps())
        .Renew(DateTimeOffset.UtcNow, ServerCertificate.ReadChain(files.Certificate)[0], files);

    /// <summary>A certificate that issued itself, with its key.</summary>
    public static async Task<TlsFiles> SelfSignedAsync(TempDirectory directory, string name, string key = "ec -pkeyopt ec_paramgen_curve:P-256", int days = 30)
    {
        TlsFiles files = new(directory.PathOf($"{name}.pem"), directory.PathOf($"{name}-key.pem"));
        await RunAsync(
            $"openssl req -x509 -newkey {key} -nodes -subj /CN={name} -addext subjectAltName=DNS:localhost -days {days} -keyout {files.Key} -out {files.Certificate}");
        return files;
    }

    /// <summary>A certificate of the directory's authority, valid from a day ago.</summary>
    /// <param name="life">From now to its end, as <c>date</c> takes it.</param>
    public static Task IssueAsync(TempDirectory directory, TlsFiles files, string life) => RunAsync($"""
        cd {directory.FullPath}
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=short -keyout {files.Key} -out short.csr
        mkdir db && touch db/index.txt
        printf '[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=db\ndatabase=db/index.txt\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n[x]\nsubjectAltName=DNS:localhost,DNS:kept.example\n' >db/conf
        openssl ca -batch -notext -config db/conf -extensions x -cert ca.pem -keyfile ca-key.pem -in short.csr -out {files.Certificate} \
          -startdate $(date -u -d '-1 day' +%Y%m%d%H%M%SZ) -enddate $(date -u -d '{life}' +%Y%m%d%H%M%SZ)
        rm -r db short.csr
        """);

    /// <summary>Runs a script of the shell, which must succeed.</summary>
    public static async Task<string> RunAsync(string script)
    {
        (int exitCode, string output) = await TryAsync(script);
        Assert.True(exitCode == 0, output);
        return output;
    }

    public static Task<(int ExitCode, string Output)> TryAsync(string script) =>
        Shell.RunAsync("bash", "-c", $"exec 2>&1 </dev/null; set -e\n{script}");

    /// <summary>The serial number, by which two certificates are told apart.</summary>
    public static async Task<string> SerialAsync(string certificate) =>
        (await RunAsync($"openssl x509 -in {certificate} -noout -serial")).Trim()["serial=".Length..];

    public static async Task<bool> IsPairAsync(TlsFiles files) =>
        await RunAsync($"openssl x509 -in {files.Certificate} -noout -pubkey") == await RunAsync($"openssl pkey -in {files.Key} -pubout");
}
