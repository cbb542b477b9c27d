using System.Security.Cryptography;
using System.Text;
using KmsSidecar.Auth;
using KmsSidecar.Storage;

namespace KmsSidecar.CommandLine.Client;

/// <summary>Credentials in the shared files of the AWS tools: <c>[NAME]</c> sections in <c>~/.aws/credentials</c>, <c>[profile NAME]</c> ones
/// in <c>~/.aws/config</c>.</summary>
/// <remarks>Source: AWS SDKs and Tools reference guide, "Shared config and credentials files". No roles, no single sign-on, no credential
/// processes: their outcome can be given in the environment.</remarks>
internal static class AwsProfile
{
    private const string Default = "default";

    /// <exception cref="CommandFault">There is no such profile, or it cannot be used.</exception>
    public static ClientCredentials Read(string name) => TryRead(name)
        ?? throw new CommandFault(ExitCode.Missing, $"there is no profile '{name}' in {CredentialsPath}");

    /// <summary>The profile that AWS_PROFILE names, which has to be there, or the default one; null when there is none.</summary>
    public static ClientCredentials? TryReadDefault() =>
        ClientCredentials.Variable("AWS_PROFILE") is { } named ? Read(named) : TryRead(Default);

    private static string CredentialsPath => ClientCredentials.Variable("AWS_SHARED_CREDENTIALS_FILE") ?? InHome("credentials");

    private static string ConfigPath => ClientCredentials.Variable("AWS_CONFIG_FILE") ?? InHome("config");

    private static string InHome(string file) => Path.Join(Environment.GetEnvironmentVariable("HOME"), ".aws", file);

    private static ClientCredentials? TryRead(string name)
    {
        string path = CredentialsPath;
        byte[] content = BoundedFile.TryRead(
            path, CredentialsFile.MaxBytes, followSymbolicLinks: true, status => SecretPermissions.FindFault("the credentials file", path, status)) ?? [];
        try
        {
            return Section(content, name) is { } section ? Parse(content.AsSpan(section), $"profile '{name}' in {path}", name) : null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }

    private static ClientCredentials Parse(ReadOnlySpan<byte> section, string what, string name)
    {
        if (!CredentialsFile.TryParse(section, out RootCredentials? keys, out IReadOnlyList<string>? faults))
        {
            throw new CommandFault(ExitCode.Configuration, $"{what}, counted from its heading: {string.Join("; ", faults)}");
        }

        string? token = Value(section, "aws_session_token");
        return new ClientCredentials(keys, token, ClientCredentials.RegionOfEnvironment ?? RegionOf(name));
    }

    private static string? RegionOf(string name)
    {
        byte[] content = BoundedFile.TryRead(ConfigPath, CredentialsFile.MaxBytes, followSymbolicLinks: true) ?? [];
        return Section(content, name == Default ? Default : $"profile {name}") is { } section ? Value(content.AsSpan(section), "region") : null;
    }

    /// <summary>From a heading to the next one, or to the end.</summary>
    private static Range? Section(ReadOnlySpan<byte> content, string heading)
    {
        int? start = null;
        foreach (Range range in content.Split((byte)'\n'))
        {
            ReadOnlySpan<byte> line = content[range].Trim(" \t\r"u8);
            if (line is not [(byte)'[', .. var inner, (byte)']'])
            {
                continue;
            }

            if (start is not null)
            {
                return start.Value..range.Start;
            }

            start = Encoding.UTF8.GetString(inner.Trim(" \t"u8)) == heading ? range.Start.Value : null;
        }

        return start is null ? null : start.Value..content.Length;
    }

    private static string? Value(ReadOnlySpan<byte> section, string name)
    {
        foreach (Range range in section.Split((byte)'\n'))
        {
            ReadOnlySpan<byte> line = section[range];
            int equals = line.IndexOf((byte)'=');
            if (equals > 0 && Encoding.UTF8.GetString(line[..equals].Trim(" \t"u8)) == name)
            {
                return Encoding.UTF8.GetString(line[(equals + 1)..].Trim(" \t\r"u8));
            }
        }

        return null;
    }
}
