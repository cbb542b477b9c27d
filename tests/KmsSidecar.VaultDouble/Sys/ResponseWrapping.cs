using System.Security.Cryptography;
using System.Text.Json.Nodes;
using KmsSidecar.Doubles.Core;
using KmsSidecar.Doubles.Tokens;

namespace KmsSidecar.Doubles.Sys;

/// <summary>Answers that are kept under a token, which opens them once.</summary>
internal sealed class ResponseWrapping(TimeProvider clock)
{
    private readonly Dictionary<string, Kept> _kept = new(StringComparer.Ordinal);

    public Answer Wrap(Answer answer, TimeSpan ttl, string path)
    {
        DateTimeOffset now = clock.GetUtcNow();
        string token = TokenStore.NewId();
        _kept.Add(token, new Kept(answer, path, now, ttl));
        JsonObject info = new()
        {
            ["token"] = token,
            ["accessor"] = RandomNumberGenerator.GetString(TokenStore.Alphabet, 24),
            ["ttl"] = (long)ttl.TotalSeconds,
            ["creation_time"] = GoTime.Format(now),
            ["creation_path"] = path,
        };
        if ((answer.Body?["data"]?["secret_id_accessor"] ?? answer.Body?["auth"]?["accessor"]) is { } accessor)
        {
            info["wrapped_accessor"] = accessor.DeepClone();
        }

        return Answer.Wrapped(info);
    }

    public Answer Unwrap(string? token)
    {
        Kept kept = Find(token);
        _kept.Remove(token!);
        return kept.Answer;
    }

    public Answer LookUp(string? token)
    {
        Kept kept = Find(token);
        return Answer.Data(new JsonObject
        {
            ["creation_path"] = kept.Path,
            ["creation_time"] = GoTime.Format(kept.Created),
            ["creation_ttl"] = (long)kept.Ttl.TotalSeconds,
        });
    }

    private Kept Find(string? token) => token is not null && _kept.TryGetValue(token, out Kept? kept) && kept.Created + kept.Ttl > clock.GetUtcNow()
        ? kept
        : throw new VaultFailure(400, "wrapping token is not valid or does not exist");

    private sealed record Kept(Answer Answer, string Path, DateTimeOffset Created, TimeSpan Ttl);
}
