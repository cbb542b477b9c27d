using System.Text;

namespace KmsSidecar.Bench.Swaps;

/// <summary>Requests as bytes, and single members of the daemon's flat JSON answers.</summary>
internal static class Http
{
    public static byte[] Post(string path, string body) => Encoding.UTF8.GetBytes(
        $"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");

    /// <summary>A text member whose value needs no unescaping, such as base64.</summary>
    /// <exception cref="IOException">The answer does not have it.</exception>
    public static string Member(string json, string name)
    {
        string opening = $"\"{name}\":\"";
        int start = json.IndexOf(opening, StringComparison.Ordinal) + opening.Length;
        int end = start < opening.Length ? -1 : json.IndexOf('"', start);
        return end < 0 ? throw new IOException($"the answer has no {name}: {json}") : json[start..end];
    }
}
