using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace KmsSidecar.Options;

/// <summary>One TCP address of the daemon.</summary>
internal sealed record ListenAddress(IPEndPoint EndPoint, bool IsTls)
{
    private const string Http = "http://";
    private const string Https = "https://";
    private const string LocalHost = "localhost:";

    /// <summary>For a URL on this node: a name that is in the certificate of <c>kms-sidecar tls init</c>, where it stands for the address.</summary>
    public string Host => IPAddress.IsLoopback(EndPoint.Address) || EndPoint.Address.Equals(IPAddress.Any) || EndPoint.Address.Equals(IPAddress.IPv6Any) ? "localhost"
        : EndPoint.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{EndPoint.Address}]"
        : EndPoint.Address.ToString();

    /// <summary>What <c>--listen</c> says. What is wrong is added to the values' faults.</summary>
    /// <param name="hasCertificate">Then an address without a scheme is TLS.</param>
    public static ImmutableArray<ListenAddress> Read(OptionValues values, bool hasCertificate)
    {
        bool insecure = values.Switch(DaemonOption.InsecureHttp);
        IReadOnlyList<OptionValue> given = values.List(DaemonOption.Listen);
        if (given.Count == 0)
        {
            return [new ListenAddress(IPEndPoint.Parse(DaemonOption.Listen.Default), hasCertificate)];
        }

        if (given is [{ Text: "none" }])
        {
            return [];
        }

        ImmutableArray<ListenAddress>.Builder addresses = ImmutableArray.CreateBuilder<ListenAddress>();
        foreach (OptionValue value in given)
        {
            if (!TryParse(value.Text, hasCertificate, out ListenAddress? address))
            {
                values.Refuse(value, "expected ADDR:PORT, for example 127.0.0.1:9020 or [::1]:9020");
            }
            else if (address.IsTls && !hasCertificate)
            {
                values.Refuse(value, "https:// needs --tls-cert and --tls-key; make a certificate with: kms-sidecar tls init");
            }
            else if (!address.IsTls && !insecure && !IPAddress.IsLoopback(address.EndPoint.Address))
            {
                values.Refuse(value, "plain HTTP is for loopback only; --tls-cert and --tls-key bring TLS, --insecure-http allows plain HTTP here");
            }
            else
            {
                addresses.Add(address);
            }
        }

        return addresses.ToImmutable();
    }

    private static bool TryParse(string text, bool hasCertificate, [NotNullWhen(true)] out ListenAddress? address)
    {
        (string rest, bool isTls) = text.StartsWith(Http, StringComparison.Ordinal) ? (text[Http.Length..], false)
            : text.StartsWith(Https, StringComparison.Ordinal) ? (text[Https.Length..], true)
            : (text, hasCertificate);
        rest = rest.StartsWith(LocalHost, StringComparison.Ordinal) ? $"127.0.0.1:{rest[LocalHost.Length..]}" : rest;

        // IPEndPoint takes an address without a port, too.
        bool isGood = IPEndPoint.TryParse(rest, out IPEndPoint? endpoint) && rest.EndsWith($":{endpoint.Port}", StringComparison.Ordinal);
        address = isGood ? new ListenAddress(endpoint!, isTls) : null;
        return isGood;
    }
}
