using System.Text.Json;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Json;

namespace KmsSidecar.Configuration;

internal enum AuthMethodKind
{
    Token,
    AppRole,
    Kubernetes,
    TokenFile,
}

/// <summary>How the daemon proves to Vault who it is: one of four methods, in the playbook's spelling (<c>approle</c>) or RustFS's (<c>AppRole</c>).</summary>
/// <remarks>Immutable. Owns its secret, and wipes it on <see cref="Dispose"/>. Never shown: <see cref="WriteTo"/> is for sealed storage only.</remarks>
internal sealed class AuthMethod : IDisposable
{
    public const long MaxSeconds = 86_400;

    /// <summary>Vault's batch tokens with many policies are the longest.</summary>
    private const int MaxSecretBytes = 4096;
    private const int MaxTextChars = 1024;

    public required AuthMethodKind Kind { get; init; }

    /// <summary>The AppRole's or Kubernetes role.</summary>
    public string? Role { get; init; }

    /// <summary>Where the method is mounted below <c>auth/</c>.</summary>
    public string? Mount { get; init; }

    /// <summary>Absolute: the secret id's, the service account token's or the token's.</summary>
    public string? File { get; init; }

    /// <summary>The token, or the secret id. Owned by this object.</summary>
    public SecretBytes? Secret { get; init; }

    /// <summary>Whether <see cref="Secret"/> is a wrapping token, which brings the secret id once.</summary>
    public bool IsWrapped { get; init; }

    /// <summary>How often a token file is looked at.</summary>
    public long? PollSeconds { get; init; }

    /// <summary>How long before its end a token is no longer used.</summary>
    public long? SafetyWindowSeconds { get; init; }

    /// <summary>Upstream's name in summaries.</summary>
    public string TypeName => Kind switch
    {
        AuthMethodKind.Token => "token",
        AuthMethodKind.AppRole => "approle",
        AuthMethodKind.Kubernetes => "kubernetes",
        _ => "token_file",
    };

    /// <returns>Null for a blank token, by which RustFS's clients say that the method stays as it is.</returns>
    /// <exception cref="KmsException">MalformedRequest; the message repeats no secret.</exception>
    public static AuthMethod? Read(ref StrictObject field) => field.IsObject
        ? field.Nested(static (ref members) => ReadVariant(ref members))
        : throw field.Refuse("""is an object with one method: {"approle":{"role_id":…,"secret_id":…}}, {"token":…}, {"kubernetes":{…}} or {"token_file":{…}}""");

    public AuthMethod Clone() => WithSecret(Secret is null ? null : SecretBytes.CopyOf(Secret.Span), IsWrapped);

    /// <summary>This AppRole with the secret id that its wrapping token brought.</summary>
    /// <param name="secretId">Taken over.</param>
    public AuthMethod Unwrapped(SecretBytes secretId) => WithSecret(secretId, isWrapped: false);

    public bool FixedTimeEquals(AuthMethod other) =>
        (Kind, Role, Mount, File, IsWrapped, PollSeconds, SafetyWindowSeconds)
            == (other.Kind, other.Role, other.Mount, other.File, other.IsWrapped, other.PollSeconds, other.SafetyWindowSeconds)
        && (Secret, other.Secret) switch
        {
            (null, null) => true,
            ({ } one, { } another) => one.FixedTimeEquals(another),
            _ => false,
        };

    /// <summary>Writes the object that <see cref="Read"/> takes, with the secret in the clear.</summary>
    public void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteStartObject(TypeName);
        foreach ((string name, string? text) in Texts())
        {
            if (text is not null)
            {
                writer.WriteString(name, text);
            }
        }

        if (Secret is not null)
        {
            writer.WriteString(Kind == AuthMethodKind.Token ? "token" : IsWrapped ? "wrapping_token" : "secret_id", Secret.Span);
        }

        foreach ((string name, long? number) in (ReadOnlySpan<(string, long?)>)
            [("poll_interval_secs", PollSeconds), ("refresh_safety_window_secs", SafetyWindowSeconds)])
        {
            if (number is { } seconds)
            {
                writer.WriteNumber(name, seconds);
            }
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    public void Dispose() => Secret?.Dispose();

    public override string ToString() => TypeName;

    private (string Name, string? Text)[] Texts() => Kind switch
    {
        AuthMethodKind.AppRole => [("role_id", Role), ("secret_id_file", File), ("mount", Mount)],
        AuthMethodKind.Kubernetes => [("role", Role), ("jwt_path", File), ("mount", Mount)],
        _ => [("path", File)],
    };

    private AuthMethod WithSecret(SecretBytes? secret, bool isWrapped) => new()
    {
        Kind = Kind,
        Role = Role,
        Mount = Mount,
        File = File,
        Secret = secret,
        IsWrapped = isWrapped,
        PollSeconds = PollSeconds,
        SafetyWindowSeconds = SafetyWindowSeconds,
    };

    private static AuthMethod? ReadVariant(ref StrictObject method)
    {
        if (!method.Next())
        {
            throw method.RefuseAll("names no method: token, approle, kubernetes or token_file");
        }

        AuthMethodKind kind = method.Name switch
        {
            "Token" or "token" => AuthMethodKind.Token,
            "AppRole" or "approle" or "app_role" => AuthMethodKind.AppRole,
            "Kubernetes" or "kubernetes" => AuthMethodKind.Kubernetes,
            "TokenFile" or "token_file" or "token-file" => AuthMethodKind.TokenFile,
            _ => throw method.Refuse("is no method that is known here: token, approle, kubernetes and token_file are"),
        };
        AuthMethodMembers members = kind == AuthMethodKind.Token && !method.IsObject
            ? new AuthMethodMembers { Secret = ReadSecret(ref method) }
            : method.Nested((ref nested) => AuthMethodMembers.Read(ref nested, kind));
        try
        {
            if (method.Next())
            {
                throw method.Refuse("is a second method: there can be one only");
            }

            return members.ToMethod(ref method, kind);
        }
        catch
        {
            members.Secret?.Dispose();
            throw;
        }
    }

    internal static SecretBytes ReadSecret(ref StrictObject members)
    {
        using SecretBytes buffer = SecretBytes.Allocate(MaxSecretBytes);
        int length = members.TextBytes(buffer.Span);
        return SecretBytes.CopyOf(buffer.Span[..length]);
    }

    internal static string? ReadText(ref StrictObject members)
    {
        if (members.TextOrNull(MaxTextChars) is not { } text)
        {
            return null;
        }

        return text.Length == 0 ? throw members.Refuse("must not be empty")
            : text.Any(char.IsControl) ? throw members.Refuse("must not contain control characters")
            : text;
    }
}
