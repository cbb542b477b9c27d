using System.Text.Json.Nodes;
using KmsSidecar.Doubles.Core;

namespace KmsSidecar.Doubles.Tokens;

/// <summary><c>auth/token/</c>.</summary>
internal sealed class TokenEngine(TokenStore tokens, TimeProvider clock, string @namespace) : IEngine
{
    public Answer Handle(Call call, string path)
    {
        DateTimeOffset now = clock.GetUtcNow();
        switch (path)
        {
            case "create" or "create-orphan":
                return Answer.Auth(tokens.Create(Wanted(call, isOrphan: path == "create-orphan")).DescribeAuth(now));
            case "lookup-self":
                return Answer.Data(call.Caller!.DescribeLease(now));
            case "lookup":
                return Answer.Data(Named(call).DescribeLease(now));
            case "accessors/" when call.Operation == Operation.List:
                return Answer.Data(new JsonObject { ["keys"] = new JsonArray([.. tokens.Accessors.Select(static accessor => JsonValue.Create(accessor))]) });
            case "lookup-accessor":
                JsonObject lease = ByAccessor(call).DescribeLease(now);
                lease["id"] = "";
                return Answer.Data(lease);
            case "renew-self":
                return Renew(call, call.Caller!);
            case "renew":
                return Renew(call, Named(call));
            case "revoke-self":
                tokens.Revoke(call.Caller!);
                return Answer.Empty;
            case "revoke":
                tokens.Revoke(Named(call));
                return Answer.Empty;
            case "revoke-accessor":
                tokens.Revoke(ByAccessor(call));
                return Answer.Empty;
            default:
                throw VaultFailure.UnsupportedPath();
        }
    }

    private TokenRequest Wanted(Call call, bool isOrphan)
    {
        Token parent = call.Caller!;
        IReadOnlyList<string> policies = call.Texts("policies") ?? parent.Policies;
        if (!parent.IsRoot && policies.Except(parent.Policies).Any())
        {
            throw new VaultFailure(400, "child policies must be subset of parent");
        }

        return new TokenRequest(policies)
        {
            Id = call.Text("id"),
            Namespace = @namespace,
            DisplayName = call.Text("display_name") is { } name ? $"token-{name}" : "token",
            Metadata = call.Body["meta"]?.DeepClone() as JsonObject,
            Parent = isOrphan || call.Flag("no_parent") == true ? null : parent,
            Ttl = call.Duration("ttl") ?? TimeSpan.Zero,
            ExplicitMaxTtl = call.Duration("explicit_max_ttl") ?? TimeSpan.Zero,
            IsRenewable = call.Flag("renewable") ?? true,
            Uses = (int)(call.Number("num_uses") ?? 0),
            HasDefaultPolicy = call.Flag("no_default_policy") != true,
        };
    }

    private Answer Renew(Call call, Token token)
    {
        string? warning = tokens.Renew(token, call.Duration("increment"));
        return Answer.Auth(token.DescribeAuth(clock.GetUtcNow()), warning is null ? [] : [warning]);
    }

    private Token ByAccessor(Call call) => tokens.FindByAccessor(call.Text("accessor") ?? "") ?? throw new VaultFailure(400, "invalid accessor");

    private Token Named(Call call) => tokens.Find(call.Text("token")) ?? throw new VaultFailure(403, "bad token");
}
