using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace KmsSidecar.Tls;

/// <summary>The names that a server certificate is good for.</summary>
internal static class ServerNames
{
    private const int MaxNameChars = 253;
    private const int MaxLabelChars = 63;

    /// <summary>What every certificate made here is good for: RustFS on the same machine.</summary>
    public static readonly string[] Local = ["localhost", "127.0.0.1", "::1"];

    /// <summary>Whether it can stand in a certificate: an address, or a host name, whose first label may be <c>*</c>.</summary>
    public static bool IsGood(string name) => TryParseAddress(name, out _) || IsHostName(name);

    /// <param name="names">Good ones.</param>
    public static X509Extension ToExtension(IEnumerable<string> names)
    {
        SubjectAlternativeNameBuilder builder = new();
        foreach (string name in names)
        {
            if (TryParseAddress(name, out IPAddress? address))
            {
                builder.AddIpAddress(address);
            }
            else
            {
                builder.AddDnsName(name);
            }
        }

        return builder.Build();
    }

    /// <summary>IPAddress takes <c>1</c> and <c>1.2</c> for addresses, too.</summary>
    private static bool TryParseAddress(string text, out IPAddress address)
    {
        bool isAddress = IPAddress.TryParse(text, out IPAddress? parsed) && (text.Contains(':', StringComparison.Ordinal) || parsed.ToString() == text);
        address = parsed ?? IPAddress.None;
        return isAddress;
    }

    private static bool IsHostName(string name)
    {
        string[] labels = name.Split('.');
        return name.Length <= MaxNameChars
            && labels.Select(static (label, i) => i == 0 && label == "*" || IsLabel(label)).All(static isGood => isGood)
            && name != "*"
            && !labels[^1].All(char.IsAsciiDigit);
    }

    private static bool IsLabel(string label) =>
        label.Length is > 0 and <= MaxLabelChars
        && label.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-')
        && label[0] != '-'
        && label[^1] != '-';
}
