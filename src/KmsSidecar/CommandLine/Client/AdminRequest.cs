using System.Text.Json;
using KmsSidecar.Crypto;
using KmsSidecar.Json;

namespace KmsSidecar.CommandLine.Client;

/// <summary>What a command asks of the daemon.</summary>
/// <param name="route">As <see cref="DaemonClient.SendAsync"/> takes it.</param>
/// <param name="body">Null for none; taken over, and wiped.</param>
internal sealed class AdminRequest(HttpMethod method, string route, SecretBuffer? body = null) : IDisposable
{
    public HttpMethod Method => method;

    public string Route => route;

    public ReadOnlyMemory<byte> Body => body?.WrittenMemory ?? default;

    public static AdminRequest Get(string route) => new(HttpMethod.Get, route);

    public static AdminRequest Post(string route) => new(HttpMethod.Post, route);

    /// <param name="members">Writes the members of the body's one object.</param>
    public static AdminRequest Post(string route, Action<Utf8JsonWriter> members) => new(HttpMethod.Post, route, WriteBody(members));

    public static SecretBuffer WriteBody(Action<Utf8JsonWriter> members)
    {
        SecretBuffer body = new();
        try
        {
            using Utf8JsonWriter writer = JsonOutput.WriteTo(body);
            writer.WriteStartObject();
            members(writer);
            writer.WriteEndObject();
        }
        catch
        {
            body.Dispose();
            throw;
        }

        return body;
    }

    public void Dispose() => body?.Dispose();
}
