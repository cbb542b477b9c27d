using System.CommandLine;
using System.Globalization;
using System.Net.Sockets;
using KmsSidecar.Auth;
using KmsSidecar.Options;
using KmsSidecar.Tls;

namespace KmsSidecar.CommandLine.Client;

/// <summary>The options by which a command finds a daemon.</summary>
internal static class DaemonConnection
{
    private const string EndpointVariable = "KMS_SIDECAR_ENDPOINT";
    private const string DefaultRegion = "us-east-1";
    private const int DefaultTimeout = 60;
    private const int LongestTimeout = 3600;

    private static readonly Option<string?> AdminSocket = new("--admin-socket")
    {
        Description =
            $"The daemon's admin socket [default: {DaemonOption.AdminSocket.EnvironmentVariable}, else {DaemonOption.AdminSocket.Default}]",
        HelpName = "PATH",
    };

    private static readonly Option<string?> Endpoint = new("--endpoint")
    {
        Description = $"Ask over TCP instead, with a signature: http(s)://HOST:PORT [default: {EndpointVariable}, else the socket]",
        HelpName = "URL",
    };

    private static readonly Option<string?> Region = new("--region")
    {
        Description = $"Region that the signature names [default: that of the profile, AWS_REGION, AWS_DEFAULT_REGION, else {DefaultRegion}]",
        HelpName = "NAME",
    };

    private static readonly Option<bool> InsecureHttp = new("--insecure-http")
    {
        Description = "Allow a plain http:// endpoint that is not on this machine: others can read and change what is sent",
    };

    private static readonly Option<string?> Patience = new("--timeout")
    {
        Description = $"Seconds that an answer may take, at most {LongestTimeout} [default: {DefaultTimeout}]",
        HelpName = "SECONDS",
    };

    public static Option<string?> CaFile { get; } = new("--ca-file")
    {
        Description = "What the daemon's certificate is checked against, in PEM [default: what the system trusts; doctor: ca.pem beside the certificate]",
        HelpName = "FILE",
    };

    public static Option<bool> Json { get; } = new("--json") { Description = "Print one JSON value, for programs; a fault too, on standard error" };

    public static void AddTo(Command command)
    {
        foreach (Option option in (Option[])
            [AdminSocket, Endpoint, ClientCredentials.File, ClientCredentials.Profile, Region, CaFile, InsecureHttp, Patience, Json])
        {
            command.Options.Add(option);
        }
    }

    /// <exception cref="CommandFault">The options or the credentials cannot be used.</exception>
    public static DaemonClient Open(ParseResult result)
    {
        TimeSpan patience = ReadPatience(result.GetValue(Patience));
        string? endpoint = result.GetValue(Endpoint);
        string? socket = result.GetValue(AdminSocket);
        if (endpoint is not null && socket is not null)
        {
            throw new CommandFault(ExitCode.Usage, "--admin-socket and --endpoint exclude each other");
        }

        endpoint ??= socket is null && Environment.GetEnvironmentVariable(EndpointVariable) is { Length: > 0 } given ? given : null;
        return endpoint is null
            ? OpenSocket(socket ?? Environment.GetEnvironmentVariable(DaemonOption.AdminSocket.EnvironmentVariable) ?? DaemonOption.AdminSocket.Default, patience)
            : OpenEndpoint(endpoint, result, patience);
    }

    /// <exception cref="CommandFault">The path is none that a socket can have.</exception>
    public static DaemonClient OpenSocket(string path, TimeSpan patience)
    {
        UnixDomainSocketEndPoint endpoint;
        try
        {
            endpoint = new UnixDomainSocketEndPoint(path);
        }
        catch (ArgumentException unusable)
        {
            throw new CommandFault(ExitCode.Usage, $"'{path}' cannot be the path of a socket", inner: unusable);
        }

        SocketsHttpHandler handler = new()
        {
            ConnectCallback = async (_, cancellation) =>
            {
                Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(endpoint, cancellation);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };
        return new DaemonClient(path, new Uri("http://kms-sidecar"), handler, signer: null, patience);
    }

    private static DaemonClient OpenEndpoint(string text, ParseResult result, TimeSpan patience)
    {
        Uri endpoint = EndpointAddress.TryParse(text)
            ?? throw new CommandFault(ExitCode.Usage, "--endpoint: expected http(s)://HOST:PORT and nothing behind it");
        if (endpoint.Scheme == "http" && !EndpointAddress.IsLoopback(endpoint) && !result.GetValue(InsecureHttp))
        {
            throw new CommandFault(
                ExitCode.Usage, $"--endpoint {text}: plain HTTP is for this machine only; use https://, or allow it with --insecure-http");
        }

        SocketsHttpHandler handler = new();
        if (result.GetValue(CaFile) is { } file)
        {
            handler.SslOptions = TrustedAuthorities.Trust(TrustedAuthorities.Read("--ca-file", file));
        }

        ClientCredentials credentials = ClientCredentials.Find(result);
        string region = result.GetValue(Region) ?? credentials.Region ?? DefaultRegion;
        return new DaemonClient(
            endpoint.GetLeftPart(UriPartial.Authority),
            endpoint,
            handler,
            new RequestSigner(credentials.Keys, region, TimeProvider.System, credentials.SessionToken),
            patience);
    }

    private static TimeSpan ReadPatience(string? text)
    {
        if (text is null)
        {
            return TimeSpan.FromSeconds(DefaultTimeout);
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) && seconds is >= 1 and <= LongestTimeout
            ? TimeSpan.FromSeconds(seconds)
            : throw new CommandFault(ExitCode.Usage, $"--timeout {text}: expected whole seconds from 1 to {LongestTimeout}");
    }
}
