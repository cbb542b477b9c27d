using System.CommandLine;
using System.Text;
using KmsSidecar.Auth;
using KmsSidecar.Errors;
using KmsSidecar.Hosting;

namespace KmsSidecar.CommandLine.Client;

/// <summary>Who asks over TCP: from a file, a profile of the AWS tools, or the environment. There is no option with a secret: every user of
/// a machine can read the command lines of the others.</summary>
/// <param name="Keys">The caller's to wipe.</param>
/// <param name="SessionToken">Null for permanent credentials.</param>
/// <param name="Region">Null where nothing names one.</param>
internal sealed record ClientCredentials(RootCredentials Keys, string? SessionToken, string? Region)
{
    private const string HowToGive =
        "set RUSTFS_ACCESS_KEY and RUSTFS_SECRET_KEY, or name a file with --credentials-file, or a profile of the AWS tools with --profile";

    public static Option<string?> File { get; } = new("--credentials-file")
    {
        Description = "File with RUSTFS_ACCESS_KEY= and RUSTFS_SECRET_KEY= lines, which nobody else can read; secrets are never given as options",
        HelpName = "FILE",
    };

    public static Option<string?> Profile { get; } = new("--profile")
    {
        Description = "Profile in ~/.aws/credentials or AWS_SHARED_CREDENTIALS_FILE [default: the environment, AWS_PROFILE, else 'default']",
        HelpName = "NAME",
    };

    /// <exception cref="CommandFault">There are none, or they cannot be used.</exception>
    /// <exception cref="KmsException">A file cannot be used.</exception>
    public static ClientCredentials Find(ParseResult result)
    {
        (string? file, string? profile) = (result.GetValue(File), result.GetValue(Profile));
        return (file, profile) switch
        {
            ({ }, { }) => throw new CommandFault(ExitCode.Usage, "--credentials-file and --profile exclude each other"),
            ({ }, null) => new ClientCredentials((RootCredentials)RootCredentialLoader.Load(file), SessionToken: null, RegionOfEnvironment),
            (null, { }) => AwsProfile.Read(profile),
            _ => RootCredentialLoader.Load(file: null) is RootCredentials own ? new ClientCredentials(own, SessionToken: null, RegionOfEnvironment)
                : FromAwsVariables() ?? AwsProfile.TryReadDefault() ?? throw new CommandFault(
                    ExitCode.Configuration, $"the daemon wants a signature, and there are no credentials: {HowToGive}"),
        };
    }

    public static string? RegionOfEnvironment => Variable("AWS_REGION") ?? Variable("AWS_DEFAULT_REGION");

    /// <summary>Null when it is not set, or empty.</summary>
    public static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    public override string ToString() => Keys.AccessKey;

    private static ClientCredentials? FromAwsVariables()
    {
        if (Variable("AWS_ACCESS_KEY_ID") is not { } accessKey || Variable("AWS_SECRET_ACCESS_KEY") is not { } secretKey)
        {
            return null;
        }

        byte[] secret = Encoding.UTF8.GetBytes(secretKey);
        return (AccessKeyRules.FindFault(accessKey) ?? SecretKey.FindFault(secret)) is { } fault
            ? throw new CommandFault(ExitCode.Configuration, $"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: {fault}")
            : new ClientCredentials(new RootCredentials(accessKey, secret), Variable("AWS_SESSION_TOKEN"), RegionOfEnvironment);
    }
}
