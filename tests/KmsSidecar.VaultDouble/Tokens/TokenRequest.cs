using System.Text.Json.Nodes;

namespace KmsSidecar.Doubles.Tokens;

/// <summary>What a new token shall be like. Durations of zero are those of the server.</summary>
internal sealed record TokenRequest(IEnumerable<string> Policies)
{
    public string? Id { get; init; }

    public string Namespace { get; init; } = "";

    public string DisplayName { get; init; } = "token";

    public string EntityId { get; init; } = "";

    public string Path { get; init; } = "auth/token/create";

    public JsonObject? Metadata { get; init; }

    public Token? Parent { get; init; }

    public TimeSpan Ttl { get; init; }

    /// <summary>The login's bound; shown nowhere.</summary>
    public TimeSpan MaxTtl { get; init; }

    /// <summary>The token's own bound.</summary>
    public TimeSpan ExplicitMaxTtl { get; init; }

    public bool IsRenewable { get; init; } = true;

    public int Uses { get; init; }

    public bool HasDefaultPolicy { get; init; } = true;
}
