using System.Buffers;

namespace KmsSidecar.Auth;

/// <summary>Whether a request's scope and host are among those that the options accept; null when they are.</summary>
internal static class ScopeRules
{
    private const int MaxRegionChars = 64;

    private static readonly SearchValues<char> RegionAlphabet = SearchValues.Create("-0123456789abcdefghijklmnopqrstuvwxyz");

    public static AuthFailure? CheckRegion(string region, SigV4Options options)
    {
        if (!options.Regions.Contains(SigV4Options.AnyRegion))
        {
            return options.Regions.Contains(region)
                ? null
                : AuthFailure.Malformed($"the region is wrong; expecting {AuthFailure.Alternatives(options.Regions)}.");
        }

        bool isRegion = region.Length is > 0 and <= MaxRegionChars && !region.AsSpan().ContainsAnyExcept(RegionAlphabet);
        return isRegion ? null : AuthFailure.Malformed("the region is not a name of a-z, 0-9 and '-'.");
    }

    public static AuthFailure? CheckService(string service, RequestHead head, SigV4Options options)
    {
        if (head.Headers.Any(static header => header.Name.Equals(SigV4Options.TargetHeader, StringComparison.OrdinalIgnoreCase)))
        {
            // Named beside the path, so that a signature for another service cannot be turned into one for keys.
            return service == SigV4Options.KeyService ? null : AuthFailure.Malformed($"the service is wrong; expecting '{SigV4Options.KeyService}'.");
        }

        bool isTokenEndpoint = head is { Method: "POST", Target.Path: "/" };
        if (options.Services.Contains(service) && (service != SigV4Options.TokenService || isTokenEndpoint))
        {
            return null;
        }

        string[] expected = [.. options.Services.Where(accepted => accepted != SigV4Options.TokenService || isTokenEndpoint)];
        return AuthFailure.Malformed($"the service is wrong; expecting {AuthFailure.Alternatives(expected)}.");
    }

    public static AuthFailure? CheckHost(string host, SigV4Options options)
    {
        // The brackets of an IPv6 address hold colons that start no port.
        int port = host.LastIndexOf(':') is int colon && colon > host.LastIndexOf(']') ? colon : host.Length;
        bool isAllowed = options.AllowedHosts.Count == 0 || options.AllowedHosts.Any(allowed =>
            host.Equals(allowed, StringComparison.OrdinalIgnoreCase)
            || host.AsSpan(0, port).Equals(allowed, StringComparison.OrdinalIgnoreCase));
        return isAllowed ? null : AuthFailure.HostNotAccepted(options.AllowedHosts);
    }
}
