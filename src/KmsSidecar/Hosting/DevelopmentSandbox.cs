using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using KmsSidecar.Api;
using KmsSidecar.Errors;
using KmsSidecar.Options;

namespace KmsSidecar.Hosting;

/// <summary>What <c>--dev</c> puts in place of everything that was not given: a temporary directory that goes with the process, and a credential
/// pair that is printed once.</summary>
internal sealed class DevelopmentSandbox : IDisposable
{
    private readonly DirectoryInfo _directory;
    private readonly bool _ownsCredentials;

    /// <exception cref="KmsException">StorageFailed: there is no room for temporary files.</exception>
    public DevelopmentSandbox(DaemonOptions given)
    {
        _directory = MakeDirectory();
        string state = Path.Join(_directory.FullName, "state");
        Options = given with
        {
            StateDirectory = given.StateDirectory == DaemonOption.StateDir.Default ? state : given.StateDirectory,
            Socket = given.Socket == DaemonOption.Socket.Default ? Path.Join(_directory.FullName, "kms.sock") : given.Socket,
            AdminSocket = given.AdminSocket == DaemonOption.AdminSocket.Default
                ? Path.Join(_directory.FullName, "admin.sock")
                : given.AdminSocket,
        };

        _ownsCredentials = given.CredentialsFile is null && Environment.GetEnvironmentVariable("RUSTFS_ACCESS_KEY") is null;
        if (_ownsCredentials)
        {
            Options = Options with { CredentialsFile = WriteCredentials() };
        }
    }

    public DaemonOptions Options { get; }

    /// <summary>The configuration that is put into effect at start.</summary>
    public ReadOnlyMemory<byte> Configuration =>
        Encoding.UTF8.GetBytes(
            $$"""{"backend_type":"local","key_dir":"{{JsonEncodedText.Encode(_directory.FullName)}}/keys","default_key_id":"dev-master"}""");

    /// <summary>What the person at the terminal needs to make the first requests.</summary>
    /// <param name="addresses">Where the daemon listens, Unix sockets among them.</param>
    public void Introduce(TextWriter output, IEnumerable<string> addresses)
    {
        output.WriteLine("kms-sidecar in development mode: a local backend is running; all of it is gone when this ends.");
        output.WriteLine();
        if (_ownsCredentials)
        {
            foreach (string line in File.ReadLines(Options.CredentialsFile!))
            {
                output.WriteLine($"  export {line}");
            }
        }

        foreach (string address in addresses.Where(static address => !address.Contains("unix:", StringComparison.Ordinal)))
        {
            output.WriteLine($"  export KMS={address}{RouteTable.AdminPrefix}/kms");
        }

        output.WriteLine($"  export SOCK={Options.Socket}");
        output.WriteLine();
        if (!Options.Listen.IsEmpty)
        {
            output.WriteLine("  curl --aws-sigv4 aws:amz:us-east-1:s3 -u $RUSTFS_ACCESS_KEY:$RUSTFS_SECRET_KEY $KMS/status");
        }

        output.WriteLine("  curl --unix-socket $SOCK -d '{}' http://kms/v1/generate-data-key");
        output.WriteLine();
        output.Flush();
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private static DirectoryInfo MakeDirectory()
    {
        try
        {
            return Directory.CreateTempSubdirectory("kms-sidecar-dev-");
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new KmsException(KmsError.StorageFailed, $"cannot make a temporary directory: {refused.Message}", refused);
        }
    }

    private string WriteCredentials()
    {
        string path = Path.Join(_directory.FullName, "credentials");
        using FileStream file = new(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        file.Write(Encoding.ASCII.GetBytes(
            $"RUSTFS_ACCESS_KEY=dev\nRUSTFS_SECRET_KEY={RandomNumberGenerator.GetHexString(32, lowercase: true)}\n"));
        return path;
    }
}
