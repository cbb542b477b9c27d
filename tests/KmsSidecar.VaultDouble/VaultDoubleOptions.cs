using System.Security.Cryptography.X509Certificates;
using KmsSidecar.Doubles.Auth;
using KmsSidecar.Doubles.Http;

namespace KmsSidecar.Doubles;

internal sealed record VaultDoubleOptions
{
    /// <summary>What leases and tokens go by. Delays and hanging requests go by the machine's clock.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Of the loopback address; 0 for one that is free.</summary>
    public int Port { get; init; }

    /// <summary>For TLS; null for plain HTTP.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>Over TLS, only clients with a certificate of this authority are let in; null for all.</summary>
    public X509Certificate2? ClientAuthority { get; init; }

    /// <summary>The name that <see cref="VaultDouble.Address"/> has, for certificates that know the host by another than <c>127.0.0.1</c>.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>Null for one that is made up.</summary>
    public string? RootToken { get; init; }

    /// <summary>The Kubernetes tokens that are good, and whom they speak for.</summary>
    public IReadOnlyDictionary<string, ServiceAccount> ServiceAccounts { get; init; } = new Dictionary<string, ServiceAccount>();

    /// <summary>How long the server takes over Transit requests; null for as long as the double does.</summary>
    public ServiceTime? TransitTime { get; init; }
}
