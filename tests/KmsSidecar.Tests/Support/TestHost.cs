using System.Net;
using System.Net.Sockets;
using KmsSidecar.Access;
using KmsSidecar.Api;
using KmsSidecar.Hosting;
using KmsSidecar.Options;
using KmsSidecar.Tests.Storage;
using Microsoft.Extensions.Logging;

namespace KmsSidecar.Tests.Support;

/// <summary>A real daemon in this process: a free TCP port, and both sockets in a directory of its own.</summary>
internal sealed class TestHost : IAsyncDisposable
{
    public const string AccessKey = "test-root";
    public const string Secret = "test-root-secret";
    public const string Kms = "/rustfs/admin/v3/kms";

    private TestHost(TempDirectory directory, SidecarHost host)
    {
        Directory = directory;
        Host = host;
        Address = new Uri(host.Addresses.First(static url => !url.Contains("unix:")));
        Tcp = ApiClient.OverTcp(Address, (AccessKey, Secret));
        Data = ApiClient.OverUnix(host.Options.Socket);
        Admin = ApiClient.OverUnix(host.Options.AdminSocket!);
    }

    public TempDirectory Directory { get; }

    public SidecarHost Host { get; }

    public Uri Address { get; }

    /// <summary>Signs with the root credentials.</summary>
    public ApiClient Tcp { get; }

    public ApiClient Data { get; }

    public ApiClient Admin { get; }

    public EndPoint TcpEndPoint => new IPEndPoint(IPAddress.Loopback, Address.Port);

    public EndPoint DataEndPoint => new UnixDomainSocketEndPoint(Host.Options.Socket);

    /// <summary>A local backend in the host's own directory.</summary>
    public string LocalConfiguration => $$"""{"backend_type":"local","key_dir":"{{Directory.PathOf("keys")}}","default_key_id":"master"}""";

    /// <summary>Options of a daemon that keeps everything in one directory and logs nothing.</summary>
    public static DaemonOptions OptionsIn(TempDirectory directory)
    {
        string credentials = directory.PathOf("credentials");
        if (!File.Exists(credentials))
        {
            using FileStream file = new(credentials, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            file.Write(System.Text.Encoding.ASCII.GetBytes($"RUSTFS_ACCESS_KEY={AccessKey}\nRUSTFS_SECRET_KEY={Secret}\n"));
        }

        return new DaemonOptions
        {
            Listen = [new ListenAddress(new IPEndPoint(IPAddress.Loopback, 0), IsTls: false)],
            Socket = directory.PathOf("kms.sock"),
            AdminSocket = directory.PathOf("admin.sock"),
            SocketMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite,
            StateDirectory = directory.PathOf("state"),
            CredentialsFile = credentials,
            Regions = ["us-east-1"],
            LogLevel = LogLevel.None,
        };
    }

    public static async Task<TestHost> StartAsync(Func<DaemonOptions, DaemonOptions>? change = null, ConnectionLimits? limits = null, IGrantSource? grants = null)
    {
        TempDirectory directory = new();
        DaemonOptions options = OptionsIn(directory);
        SidecarHost host = new(change is null ? options : change(options), TimeProvider.System, limits, grants);
        await host.StartAsync();
        return new TestHost(directory, host);
    }

    /// <summary>As <see cref="StartAsync"/>, with the local backend running.</summary>
    public static async Task<TestHost> StartRunningAsync(Func<DaemonOptions, DaemonOptions>? change = null)
    {
        TestHost host = await StartAsync(change);
        (await host.Admin.PostAsync($"{Kms}/configure", host.LocalConfiguration)).Expect(200);
        (await host.Admin.PostAsync($"{Kms}/start")).Expect(200);
        return host;
    }

    public async ValueTask DisposeAsync()
    {
        Tcp.Dispose();
        Data.Dispose();
        Admin.Dispose();
        await Host.DisposeAsync();
        Directory.Dispose();
    }
}
