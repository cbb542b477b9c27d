using KmsSidecar.Doubles.Core;

namespace KmsSidecar.Doubles.Auth;

/// <summary>A role, its id, and the secret ids that go with it.</summary>
internal sealed class AppRole
{
    private readonly Dictionary<string, Secret> _secrets = new(StringComparer.Ordinal);

    public LoginRole Tokens { get; } = new();

    public string RoleId { get; set; } = Guid.NewGuid().ToString();

    public int SecretUses { get; private set; }

    public TimeSpan SecretTtl { get; private set; }

    public void Set(Call call)
    {
        Tokens.Set(call);
        SecretUses = (int?)call.Number("secret_id_num_uses") ?? SecretUses;
        SecretTtl = call.Duration("secret_id_ttl") ?? SecretTtl;
    }

    /// <returns>The secret id's accessor.</returns>
    public string AddSecret(string id, int uses, TimeSpan ttl, DateTimeOffset now)
    {
        Secret secret = new(uses, ttl > TimeSpan.Zero ? now + ttl : DateTimeOffset.MaxValue);
        _secrets[id] = secret;
        return secret.Accessor;
    }

    /// <summary>Uses the secret id, and ends it with its last use.</summary>
    public bool TryUse(string id, DateTimeOffset now)
    {
        if (!_secrets.TryGetValue(id, out Secret? secret) || secret.Ends <= now)
        {
            return false;
        }

        if (secret.Uses > 0 && --secret.Uses == 0)
        {
            _secrets.Remove(id);
        }

        return true;
    }

    public void Destroy(string id) => _secrets.Remove(id);

    private sealed class Secret(int uses, DateTimeOffset ends)
    {
        public string Accessor { get; } = Guid.NewGuid().ToString();

        /// <summary>0 for any number.</summary>
        public int Uses { get; set; } = uses;

        public DateTimeOffset Ends { get; } = ends;
    }
}
