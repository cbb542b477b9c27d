using System.Net;

namespace KmsSidecar.Options;

/// <summary>Where a server is: <c>http(s)://HOST:PORT</c>, and nothing behind it.</summary>
internal static class EndpointAddress
{
    /// <summary>Null when the text is anything else.</summary>
    public static Uri? TryParse(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? uri)
        && uri is { Scheme: "http" or "https", PathAndQuery: "/", Fragment: "", UserInfo: "", Host.Length: > 0 }
            ? uri
            : null;

    public static bool IsLoopback(Uri uri) =>
        uri.Host == "localhost" || (IPAddress.TryParse(uri.DnsSafeHost, out IPAddress? address) && IPAddress.IsLoopback(address));
}
