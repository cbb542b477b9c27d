using System.Security.Cryptography;
using KmsSidecar.Doubles.Core;

namespace KmsSidecar.Doubles.Tokens;

/// <summary>All tokens of the server, and when they end.</summary>
internal sealed class TokenStore(TimeProvider clock)
{
    public const string Alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    /// <summary>The server's own bound on every lease, and the lease of who asks for none.</summary>
    public static readonly TimeSpan SystemMaxTtl = TimeSpan.FromHours(768);

    private readonly Dictionary<string, Token> _tokens = new(StringComparer.Ordinal);

    public static string NewId() => $"s.{RandomNumberGenerator.GetString(Alphabet, 24)}";

    public Token Create(TokenRequest request)
    {
        DateTimeOffset now = clock.GetUtcNow();
        string[] names = [.. request.Policies.Distinct()];
        bool isEndless = names.Contains("root") && request.Ttl == TimeSpan.Zero;
        TimeSpan max = new[] { request.MaxTtl, request.ExplicitMaxTtl, SystemMaxTtl }.Where(static bound => bound > TimeSpan.Zero).Min();
        TimeSpan ttl = request.Ttl > TimeSpan.Zero ? request.Ttl : SystemMaxTtl;
        ttl = isEndless ? TimeSpan.Zero : ttl < max ? ttl : max;
        Token token = new()
        {
            Id = request.Id ?? NewId(),
            Namespace = request.Namespace,
            Policies = names.Contains("root") || !request.HasDefaultPolicy ? names : [.. names.Append("default").Distinct().Order(StringComparer.Ordinal)],
            DisplayName = request.DisplayName,
            EntityId = request.EntityId,
            Path = request.Path,
            Metadata = request.Metadata,
            Parent = request.Parent,
            Issued = now,
            Ttl = ttl,
            Expires = isEndless ? null : now + ttl,
            ExplicitMaxTtl = request.ExplicitMaxTtl,
            Latest = isEndless ? null : now + max,
            IsRenewable = request.IsRenewable && !isEndless,
            Uses = request.Uses,
        };
        if (!_tokens.TryAdd(token.Id, token))
        {
            throw new VaultFailure(400, "cannot create a token with a duplicate ID");
        }

        return token;
    }

    /// <summary>Null when there is none, or it has ended.</summary>
    public Token? Find(string? id)
    {
        if (id is null || !_tokens.TryGetValue(id, out Token? token))
        {
            return null;
        }

        if (token.Expires <= clock.GetUtcNow())
        {
            Revoke(token);
            return null;
        }

        return token;
    }

    public IEnumerable<string> Accessors => _tokens.Values.Select(static token => token.Accessor);

    public Token? FindByAccessor(string accessor) =>
        _tokens.Values.FirstOrDefault(token => token.Accessor == accessor) is { } token ? Find(token.Id) : null;

    /// <returns>A warning where the lease is shorter than asked for.</returns>
    public string? Renew(Token token, TimeSpan? increment)
    {
        if (!token.IsRenewable)
        {
            throw new VaultFailure(400, "lease is not renewable");
        }

        DateTimeOffset now = clock.GetUtcNow();
        TimeSpan wanted = increment is { } asked && asked > TimeSpan.Zero ? asked : token.Ttl;
        TimeSpan most = TimeSpan.FromSeconds(Math.Floor((token.Latest!.Value - now).TotalSeconds));
        if (most <= TimeSpan.Zero)
        {
            throw new VaultFailure(400, "past the max TTL, cannot renew");
        }

        token.Expires = now + (wanted < most ? wanted : most);
        token.Renewed = now;
        return wanted > most
            ? $"TTL of \"{GoDuration.Format(wanted)}\" exceeded the effective max_ttl of \"{GoDuration.Format(most)}\"; TTL value is capped accordingly"
            : null;
    }

    /// <summary>The token, and those that it made.</summary>
    public void Revoke(Token token)
    {
        _tokens.Remove(token.Id);
        foreach (Token child in _tokens.Values.Where(other => other.Parent == token).ToArray())
        {
            Revoke(child);
        }
    }
}
