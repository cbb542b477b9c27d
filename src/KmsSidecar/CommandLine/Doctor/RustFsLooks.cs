using System.Security.Cryptography.X509Certificates;
using System.Text;
using KmsSidecar.Options;
using KmsSidecar.Storage;
using KmsSidecar.Tls;

namespace KmsSidecar.CommandLine.Doctor;

/// <summary>Whether the RustFS on this node is set to take its keys from this daemon, as its unit and drop-ins say.</summary>
/// <param name="root">Of the file system.</param>
internal sealed class RustFsLooks(Findings findings, DaemonOptions options, string root = "/")
{
    private const string Drop = "install packaging/systemd/rustfs.service.d/kms-sidecar.conf, as docs/rustfs.md says";

    private readonly UnitFile _unit = new("rustfs.service", root);
    private readonly LocalAccounts _accounts = new(root);

    public async Task RunAsync()
    {
        if (_unit.FullPath is null)
        {
            return;
        }

        findings.Begin("rustfs");
        Dictionary<string, string> environment = [];
        await findings.LookAsync("environment", () =>
        {
            environment = ReadEnvironment();
            return JudgeBackend(environment);
        });
        if (environment.GetValueOrDefault("RUSTFS_KMS_BACKEND") != "aws")
        {
            return;
        }

        findings.Add(JudgeEndpoint(environment.GetValueOrDefault("RUSTFS_KMS_AWS_ENDPOINT_URL")));
        findings.Add(JudgeRegion(environment.GetValueOrDefault("RUSTFS_KMS_AWS_REGION")));
        await findings.LookAsync("authority", () => JudgeAuthority(environment.GetValueOrDefault("SSL_CERT_FILE")));
        await findings.LookAsync("data socket", JudgeSocket);
    }

    /// <summary>As systemd makes it: lines of the unit, then the files that it names.</summary>
    private Dictionary<string, string> ReadEnvironment()
    {
        Dictionary<string, string> environment = [];
        foreach (string assignment in _unit.Values("Environment").SelectMany(Words))
        {
            Take(environment, assignment);
        }

        foreach (string file in _unit.Values("EnvironmentFile").Select(static file => file.TrimStart('-')).Where(File.Exists))
        {
            foreach (string line in File.ReadLines(file))
            {
                Take(environment, line);
            }
        }

        return environment;
    }

    /// <summary>What is between spaces, or in quotation marks.</summary>
    private static IEnumerable<string> Words(string line)
    {
        StringBuilder word = new();
        char quote = '\0';
        foreach (char next in line)
        {
            if (next == quote)
            {
                quote = '\0';
            }
            else if (quote == '\0' && next is '"' or '\'')
            {
                quote = next;
            }
            else if (quote == '\0' && next == ' ')
            {
                yield return word.ToString();
                word.Clear();
            }
            else
            {
                word.Append(next);
            }
        }

        yield return word.ToString();
    }

    /// <summary>Of the variables that are looked at here, none is a secret; others are not kept.</summary>
    private static void Take(Dictionary<string, string> environment, string line)
    {
        string[] parts = line.Trim().Split('=', 2);
        if (parts is [var name, var value] && (name.StartsWith("RUSTFS_KMS_", StringComparison.Ordinal) || name == "SSL_CERT_FILE"))
        {
            environment[name] = value.Trim().Trim('"', '\'');
        }
    }

    private Finding JudgeBackend(Dictionary<string, string> environment)
    {
        const string Name = "environment";
        return environment.GetValueOrDefault("RUSTFS_KMS_ENABLE") != "true"
                ? Finding.Warning(Name, $"{_unit.FullPath} does not enable a KMS: objects are not encrypted by this daemon", Drop)
            : environment.GetValueOrDefault("RUSTFS_KMS_BACKEND") is "aws" ? Finding.Ok(Name, "RustFS takes its keys from an AWS KMS")
            : Finding.Warning(Name, $"RustFS's KMS is {environment.GetValueOrDefault("RUSTFS_KMS_BACKEND") ?? "not named"}, and not this daemon", Drop);
    }

    private Finding JudgeEndpoint(string? text)
    {
        const string Name = "endpoint";
        ListenAddress[] secure = [.. options.Listen.Where(static address => address.IsTls)];
        string ours = string.Join(" or ", secure.Select(static address => $"https://{address.Host}:{address.EndPoint.Port}"));
        string mend = ours.Length == 0
            ? "give the daemon a TLS listener: kms-sidecar tls init, then listen = https://127.0.0.1:9021"
            : $"set Environment=RUSTFS_KMS_AWS_ENDPOINT_URL={ours} in rustfs.service.d, then: systemctl daemon-reload && systemctl restart rustfs";
        return text is null || EndpointAddress.TryParse(text) is not { } endpoint
                ? Finding.Fault(Name, $"RUSTFS_KMS_AWS_ENDPOINT_URL is {text ?? "not set"}", mend, ExitCode.Configuration)
            : endpoint.Scheme != "https" ? Finding.Fault(Name, $"RustFS takes https:// only, and its endpoint is {text}", mend, ExitCode.Configuration)
            : EndpointAddress.IsLoopback(endpoint) && !secure.Any(address => address.EndPoint.Port == endpoint.Port)
                ? Finding.Fault(Name, $"RustFS asks {text}, where this daemon has no TLS listener", mend, ExitCode.Configuration)
            : Finding.Ok(Name, $"RustFS asks {text}");
    }

    private Finding JudgeRegion(string? region) => options.TakesAnyRegion || (region is not null && options.Regions.Contains(region))
        ? Finding.Ok("region", $"RustFS signs for {region}")
        : Finding.Fault(
            "region",
            $"RustFS signs for the region {region ?? "that is not set"}, and the daemon takes {string.Join(", ", options.Regions)}",
            $"set Environment=RUSTFS_KMS_AWS_REGION={options.OwnRegion} in rustfs.service.d, or region = {region} for the daemon",
            ExitCode.Configuration);

    private static Finding? JudgeAuthority(string? file)
    {
        const string Name = "authority";
        if (file is null)
        {
            return Finding.Skipped(Name, "SSL_CERT_FILE is not set: RustFS trusts what the system trusts");
        }

        X509Certificate2Collection authorities = TrustedAuthorities.Read("SSL_CERT_FILE", file);
        return Posix.Status(file).Permissions.HasFlag(UnixFileMode.OtherRead) && DirectoryOwner.FindClosed(Path.GetDirectoryName(file)!) is null
            ? Finding.Ok(Name, $"{file}, with {authorities.Count} certificates, is there for RustFS's user")
            : Finding.Warning(Name, $"{file} cannot be read by everybody, so perhaps not by RustFS's user", $"chmod 644 {file}, in a directory that all may enter");
    }

    /// <summary>Null where there is no user of that name, or no socket.</summary>
    private Finding? JudgeSocket()
    {
        const string Name = "data socket";
        const string User = "rustfs";
        if (_accounts.FindUser(User) is not { } user || !Path.Exists(options.Socket))
        {
            return null;
        }

        FileStatus socket = Posix.Status(options.Socket);
        string[] added = [.. _unit.Values("SupplementaryGroups").SelectMany(static line => line.Split(' '))];
        bool isInGroup = _accounts.GroupsOf(User).Contains(socket.GroupId) || added.Contains(_accounts.NameOfGroup(socket.GroupId));
        bool mayOpen = socket.UserId == user || (isInGroup && socket.Permissions.HasFlag(UnixFileMode.GroupWrite)) || socket.Permissions.HasFlag(UnixFileMode.OtherWrite);
        return mayOpen
            ? Finding.Ok(Name, $"the user {User} may open {options.Socket}")
            : Finding.Warning(
                Name,
                $"the user {User} may not open {options.Socket}, which is for {_accounts.NameOfUser(socket.UserId)} and the group {_accounts.NameOfGroup(socket.GroupId)}",
                $"set SupplementaryGroups={_accounts.NameOfGroup(socket.GroupId)} in rustfs.service.d");
    }
}
