using System.Security.Cryptography;
using System.Text;
using KmsSidecar.Auth;
using KmsSidecar.Errors;
using KmsSidecar.Storage;

namespace KmsSidecar.Hosting;

/// <summary>Finds the root credentials: the file that the options name, else RustFS's own two environment variables.</summary>
internal static class RootCredentialLoader
{
    /// <exception cref="KmsException">InvalidConfiguration: they are there, but cannot be used.</exception>
    public static ICredentialSource Load(string? file)
    {
        if (file is not null)
        {
            return ReadFile(file);
        }

        string? accessKey = Environment.GetEnvironmentVariable("RUSTFS_ACCESS_KEY");
        string? secretKey = Environment.GetEnvironmentVariable("RUSTFS_SECRET_KEY");
        if (string.IsNullOrEmpty(accessKey) && string.IsNullOrEmpty(secretKey))
        {
            return new NoCredentials();
        }

        byte[] secret = Encoding.UTF8.GetBytes(secretKey ?? "");
        string? fault = AccessKeyRules.FindFault(accessKey ?? "") is { } badAccessKey ? $"RUSTFS_ACCESS_KEY: {badAccessKey}"
            : SecretKey.FindFault(secret) is { } badSecret ? $"RUSTFS_SECRET_KEY: {badSecret}"
            : null;
        return fault is null ? new RootCredentials(accessKey!, secret) : throw new KmsException(KmsError.InvalidConfiguration, fault);
    }

    private static RootCredentials ReadFile(string file)
    {
        byte[] content = BoundedFile.TryRead(
            file, CredentialsFile.MaxBytes, followSymbolicLinks: true, status => SecretPermissions.FindFault("the credentials file", file, status))
            ?? throw new KmsException(
                KmsError.InvalidConfiguration,
                FaultCause.Missing,
                $"the credentials file {file} does not exist; write RUSTFS_ACCESS_KEY= and RUSTFS_SECRET_KEY= lines into it");
        try
        {
            return CredentialsFile.TryParse(content, out RootCredentials? credentials, out IReadOnlyList<string>? faults)
                ? credentials
                : throw new KmsException(KmsError.InvalidConfiguration, $"the credentials file {file}: {string.Join("; ", faults)}");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }
}
