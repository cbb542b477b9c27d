using System.Net;
using System.Text;
using KmsSidecar.Access;
using KmsSidecar.Access.Policies;

namespace KmsSidecar.Tests.Access;

/// <summary>Short ways to write policies and requests.</summary>
internal static class PolicyCases
{
    public static readonly DateTimeOffset Noon = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    public static PolicyDocument Parse(string json) => PolicyDocument.Parse(Encoding.UTF8.GetBytes(json));

    /// <summary>A policy of the given statements.</summary>
    public static NamedPolicy Policy(params string[] statements) =>
        new("test", Parse($$"""{"Version":"2012-10-17","Statement":[{{string.Join(',', statements)}}]}"""));

    public static string Allow(string actions, string? resources = null) => Statement("Allow", actions, resources);

    public static string Deny(string actions, string? resources = null) => Statement("Deny", actions, resources);

    public static AccessRequest Request(string action, string? keyId = null, string user = "alice", string? address = "192.0.2.7", bool isRead = false) => new()
    {
        Action = action,
        KeyId = keyId,
        UserName = user,
        SourceAddress = address is null ? null : IPAddress.Parse(address),
        Time = Noon,
        IsRead = isRead,
    };

    /// <summary>The decision for a user who has these policies.</summary>
    public static Decision Judge(AccessRequest request, params NamedPolicy[] policies) =>
        PolicyEvaluator.Evaluate(new Grants { Policies = [.. policies] }, request, LegacyServerInfo.Off);

    private static string Statement(string effect, string actions, string? resources) => resources is null
        ? $$"""{"Effect":"{{effect}}","Action":{{Strings(actions)}}}"""
        : $$"""{"Effect":"{{effect}}","Action":{{Strings(actions)}},"Resource":{{Strings(resources)}}}""";

    /// <summary>An array of what is separated by spaces; <c>key/</c> stands for its ARN.</summary>
    private static string Strings(string list) =>
        $"[{string.Join(',', list.Split(' ').Select(static item => $"\"{(item.StartsWith("key/") ? "arn:aws:kms:::" : "")}{item}\""))}]";
}
