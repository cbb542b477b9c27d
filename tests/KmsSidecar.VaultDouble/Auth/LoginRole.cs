using KmsSidecar.Doubles.Core;

namespace KmsSidecar.Doubles.Auth;

/// <summary>What the tokens of a role are like.</summary>
internal sealed class LoginRole
{
    public string EntityId { get; } = Guid.NewGuid().ToString();

    public IReadOnlyList<string> Policies { get; private set; } = [];

    public TimeSpan Ttl { get; private set; }

    public TimeSpan MaxTtl { get; private set; }

    public int Uses { get; private set; }

    public void Set(Call call)
    {
        Policies = call.Texts("token_policies") ?? call.Texts("policies") ?? Policies;
        Ttl = call.Duration("token_ttl") ?? Ttl;
        MaxTtl = call.Duration("token_max_ttl") ?? MaxTtl;
        Uses = (int?)call.Number("token_num_uses") ?? Uses;
    }
}
