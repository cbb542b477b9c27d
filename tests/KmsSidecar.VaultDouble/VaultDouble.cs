using System.Net;
using System.Security.Cryptography.X509Certificates;
using KmsSidecar.Doubles.Core;
using KmsSidecar.Doubles.Faults;
using KmsSidecar.Doubles.Http;
using KmsSidecar.Doubles.Requests;
using KmsSidecar.Doubles.Tokens;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;

namespace KmsSidecar.Doubles;

/// <summary>
/// Answers on a loopback port as OpenBao 2.6.2 has been recorded to, with a real Transit engine, KV, tokens and policies, or as badly as it is told to.
/// It holds secrets as a test does: never give it any that matter.
/// </summary>
internal sealed class VaultDouble : IAsyncDisposable
{
    private readonly VaultDoubleOptions _options;
    private readonly FrontDoor _door;
    private readonly ControlDoor _control;
    private WebApplication? _listening;

    private VaultDouble(VaultDoubleOptions options)
    {
        _options = options;
        RootToken = options.RootToken ?? TokenStore.NewId();
        VaultCore core = new(options.Clock, RootToken, options.ServiceAccounts.GetValueOrDefault);
        Admin = new VaultAdmin(core, RootToken);
        _door = new FrontDoor(core, Faults, Requests, options);
        _control = new ControlDoor(this, options.Clock);
        Port = options.Port;
    }

    public string RootToken { get; }

    public int Port { get; private set; }

    public Uri Address => new($"{(_options.Certificate is null ? "http" : "https")}://{_options.Host}:{Port}");

    public FaultList Faults { get; } = new();

    public RequestLog Requests { get; } = new();

    /// <summary>Sets things up without a request over the network: nothing of it is in the log, and no fault meets it.</summary>
    public VaultAdmin Admin { get; }

    public static async Task<VaultDouble> StartAsync(VaultDoubleOptions? options = null)
    {
        VaultDouble vault = new(options ?? new VaultDoubleOptions());
        await vault.StartAgainAsync();
        return vault;
    }

    /// <summary>Nothing listens any more and every connection is cut; all that was stored stays.</summary>
    public async Task StopAsync()
    {
        if (_listening is { } listening)
        {
            _listening = null;
            await listening.StopAsync(new CancellationToken(canceled: true));
            await listening.DisposeAsync();
        }
    }

    /// <summary>Listens again, on the port that it had.</summary>
    public async Task StartAgainAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Loopback, Port, Secure);
        });
        WebApplication listening = builder.Build();
        listening.Run(context => context.Request.Path.StartsWithSegments("/double", StringComparison.Ordinal)
            ? _control.HandleAsync(context)
            : _door.HandleAsync(context));
        await listening.StartAsync();
        Port = new Uri(listening.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Port;
        _listening = listening;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Faults.Clear();
    }

    private void Secure(ListenOptions listener)
    {
        if (_options.Certificate is { } certificate)
        {
            listener.UseHttps(certificate, https =>
            {
                https.ClientCertificateMode = _options.ClientAuthority is null ? ClientCertificateMode.NoCertificate : ClientCertificateMode.RequireCertificate;
                https.ClientCertificateValidation = (client, _, _) => IsOfAuthority(client);
            });
        }
    }

    private bool IsOfAuthority(X509Certificate2 client)
    {
        using X509Chain chain = new();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_options.ClientAuthority!);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(client);
    }
}
