using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Observability;

namespace KmsSidecar.Vault;

/// <param name="Path">As in a policy, without a slash at its start.</param>
/// <param name="Capabilities">All of them are needed.</param>
/// <param name="Purpose">For people: <c>to wrap data keys</c>.</param>
internal sealed record NeededCapability(string Path, ImmutableArray<string> Capabilities, string Purpose);

/// <summary>Checks what a person would before a backend goes live: that the mounts are there and of the right kind, and that the token may do what is needed.</summary>
internal sealed class VaultInspection(IVault vault)
{
    /// <param name="mount">Without slashes at its ends.</param>
    /// <param name="type"><c>transit</c> or <c>kv</c>.</param>
    /// <param name="version">Of <c>kv</c>; null for whatever it is.</param>
    /// <exception cref="KmsException">BackendRejected: it is not, with the mend. A backend error.</exception>
    public async ValueTask RequireMountAsync(string mount, string type, int? version, CancellationToken cancellation)
    {
        VaultCall call = new("read-mount", HttpMethod.Get, $"sys/internal/ui/mounts/{mount}", VaultRepeat.Safe);
        using VaultAnswer answer = await vault.SendAsync(call, cancellation);
        string enable = $"vault secrets enable -path={mount}{(version is { } wanted ? $" -version={wanted}" : "")} {type}";
        switch (answer.Fault)
        {
            case VaultFault.None:
                break;
            case VaultFault.PolicyDenied or VaultFault.NotFound:
                throw Rejected($"nothing is mounted at {mount}/ in Vault at {vault.Name}, or the token may do nothing below it; mount it with: {enable}, or add paths below {mount}/ to the token's policy");
            default:
                throw answer.ToException();
        }

        (string path, string foundType, string foundVersion) = Read(call, answer, static json => (
            ReadText(json, "data"u8, "path"u8), ReadText(json, "data"u8, "type"u8), ReadVersion(json)));
        if (path.Trim('/') != mount)
        {
            throw Rejected($"nothing is mounted at {mount}/ in Vault at {vault.Name}, but at {path}; mount it with: {enable}, or correct the setting");
        }

        if (foundType != type)
        {
            throw Rejected($"{mount}/ in Vault at {vault.Name} is of type {foundType}, and {type} is needed; mount one elsewhere with: vault secrets enable -path=OTHER {type}");
        }

        if (version is { } needed && foundVersion != $"{needed}")
        {
            throw Rejected($"{mount}/ in Vault at {vault.Name} is KV version {foundVersion}, and version {needed} is needed; make it that with: vault kv enable-versioning {mount}/");
        }
    }

    /// <summary>Asks for all of them in one call.</summary>
    /// <exception cref="KmsException">BackendRejected: names all that is missing, and ends with the lines that the token's policy lacks. A backend error.</exception>
    public async ValueTask RequireCapabilitiesAsync(ImmutableArray<NeededCapability> needed, CancellationToken cancellation)
    {
        using SecretBuffer body = WritePaths(needed);
        VaultCall call = new("read-capabilities", HttpMethod.Post, "sys/capabilities-self", VaultRepeat.Safe, body.WrittenMemory);
        using VaultAnswer answer = await vault.SendAsync(call, cancellation);
        if (answer.Fault != VaultFault.None)
        {
            throw answer.ToException();
        }

        ImmutableArray<NeededCapability> missing =
        [
            .. needed.Select(one => one with { Capabilities = Missing(one, Read(call, answer, json => ReadCapabilities(json, one.Path))) })
                .Where(static one => !one.Capabilities.IsEmpty),
        ];
        if (missing.IsEmpty)
        {
            return;
        }

        IEnumerable<string> names = missing.Select(static one => $"{string.Join(" and ", one.Capabilities)} on {one.Path} ({one.Purpose})");
        IEnumerable<string> lines = missing.Select(one => LineFor(needed.First(whole => whole.Path == one.Path)));
        throw Rejected($"the token for Vault at {vault.Name} lacks {string.Join(", ", names)}; add to its policy, with: vault policy write NAME FILE: {string.Join(' ', lines)}");
    }

    private static string LineFor(NeededCapability one) =>
        $"path \"{one.Path}\" {{ capabilities = [{string.Join(", ", one.Capabilities.Select(static name => $"\"{name}\""))}] }}";

    private static ImmutableArray<string> Missing(NeededCapability needed, HashSet<string> held) =>
        held.Contains("root") ? [] : [.. needed.Capabilities.Where(name => !held.Contains(name))];

    private static SecretBuffer WritePaths(ImmutableArray<NeededCapability> needed)
    {
        SecretBuffer body = new();
        using Utf8JsonWriter writer = new((IBufferWriter<byte>)body);
        writer.WriteStartObject();
        writer.WriteStartArray("paths");
        foreach (NeededCapability one in needed)
        {
            writer.WriteStringValue(one.Path);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.Flush();
        return body;
    }

    private static HashSet<string> ReadCapabilities(ReadOnlySpan<byte> json, string path)
    {
        HashSet<string> held = [];
        if (VaultJson.TryFind(json, "data"u8, Encoding.UTF8.GetBytes(path), out Utf8JsonReader value) && value.TokenType == JsonTokenType.StartArray)
        {
            while (value.Read() && value.TokenType == JsonTokenType.String)
            {
                held.Add(value.GetString()!);
            }
        }

        return held;
    }

    /// <summary>A mount of KV that says nothing has version 1.</summary>
    private static string ReadVersion(ReadOnlySpan<byte> json) =>
        VaultJson.TryFind(json, "data"u8, "options"u8, out Utf8JsonReader options) && VaultJson.TryEnter(ref options, "version"u8)
            && options.TokenType == JsonTokenType.String
            ? PrintableText.Of(options.GetString()!)
            : "1";

    private static string ReadText(ReadOnlySpan<byte> json, ReadOnlySpan<byte> outer, ReadOnlySpan<byte> inner) =>
        VaultJson.TryFind(json, outer, inner, out Utf8JsonReader value) && value.TokenType == JsonTokenType.String
            ? PrintableText.Of(value.GetString()!)
            : throw new JsonException("a text is expected");

    private T Read<T>(VaultCall call, VaultAnswer answer, JsonMember<T> read) => VaultJson.Read(vault.Name, call, answer, read);

    private static KmsException Rejected(string sentence) => new(KmsError.BackendRejected, sentence);
}
