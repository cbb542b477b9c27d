using System.Security.Cryptography;
using System.Text.Json.Nodes;
using KmsSidecar.Doubles.Core;

namespace KmsSidecar.Doubles.Tokens;

/// <summary>A token and its lease.</summary>
internal sealed class Token
{
    public required string Id { get; init; }

    public string Accessor { get; } = RandomNumberGenerator.GetString(TokenStore.Alphabet, 24);

    /// <summary>Where it was made; it works there and below.</summary>
    public string Namespace { get; init; } = "";

    public required IReadOnlyList<string> Policies { get; init; }

    public string DisplayName { get; init; } = "token";

    public string EntityId { get; init; } = "";

    /// <summary>What made it.</summary>
    public string Path { get; init; } = "auth/token/create";

    /// <summary>Null where the server shows null.</summary>
    public JsonObject? Metadata { get; init; }

    /// <summary>Revoked together with this one; null for an orphan.</summary>
    public Token? Parent { get; init; }

    public required DateTimeOffset Issued { get; init; }

    public DateTimeOffset? Renewed { get; set; }

    /// <summary>Null for a token that never ends.</summary>
    public DateTimeOffset? Expires { get; set; }

    /// <summary>What a renewal asks for when it names nothing.</summary>
    public TimeSpan Ttl { get; init; }

    public TimeSpan ExplicitMaxTtl { get; init; }

    /// <summary>No renewal goes beyond; null for no bound.</summary>
    public DateTimeOffset? Latest { get; init; }

    public bool IsRenewable { get; init; }

    /// <summary>0 for any number.</summary>
    public int Uses { get; set; }

    public bool IsRoot => Policies.Contains("root");

    /// <summary>As a login, a creation and a renewal answer.</summary>
    public JsonObject DescribeAuth(DateTimeOffset now) => new()
    {
        ["client_token"] = Id,
        ["accessor"] = Accessor,
        ["policies"] = PolicyNames(),
        ["token_policies"] = PolicyNames(),
        ["metadata"] = Metadata?.DeepClone(),
        ["lease_duration"] = SecondsLeft(now),
        ["renewable"] = IsRenewable,
        ["entity_id"] = EntityId,
        ["token_type"] = "service",
        ["orphan"] = Parent is null,
        ["mfa_requirement"] = null,
        ["num_uses"] = Uses,
    };

    /// <summary>As <c>lookup-self</c> answers.</summary>
    public JsonObject DescribeLease(DateTimeOffset now)
    {
        JsonObject lease = new()
        {
            ["accessor"] = Accessor,
            ["creation_time"] = Issued.ToUnixTimeSeconds(),
            ["creation_ttl"] = (long)Ttl.TotalSeconds,
            ["display_name"] = DisplayName,
            ["entity_id"] = EntityId,
            ["expire_time"] = Expires is { } expires ? GoTime.Format(expires) : null,
            ["explicit_max_ttl"] = (long)ExplicitMaxTtl.TotalSeconds,
            ["id"] = Id,
            ["issue_time"] = GoTime.Format(Issued),
            ["meta"] = Metadata?.DeepClone(),
            ["num_uses"] = Uses,
            ["orphan"] = Parent is null,
            ["path"] = Path,
            ["policies"] = PolicyNames(),
            ["renewable"] = IsRenewable,
            ["ttl"] = SecondsLeft(now),
            ["type"] = "service",
        };
        if (Renewed is { } renewed)
        {
            lease["last_renewal"] = GoTime.Format(renewed);
            lease["last_renewal_time"] = renewed.ToUnixTimeSeconds();
        }

        if (Namespace.Length > 0)
        {
            lease["namespace_path"] = Namespace;
        }

        return lease;
    }

    private long SecondsLeft(DateTimeOffset now) => Expires is { } expires ? (long)Math.Ceiling((expires - now).TotalSeconds) : 0;

    private JsonArray PolicyNames() => new([.. Policies.Select(static name => JsonValue.Create(name))]);
}
