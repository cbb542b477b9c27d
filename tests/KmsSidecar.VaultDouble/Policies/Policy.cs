using System.Text.RegularExpressions;
using KmsSidecar.Doubles.Core;

namespace KmsSidecar.Doubles.Policies;

/// <param name="Text">HCL, as it was written.</param>
internal sealed partial record Policy(string Text, IReadOnlyList<PolicyRule> Rules)
{
    private static readonly string[] Known = ["create", "read", "update", "patch", "delete", "list", "sudo", "deny", "scan"];

    /// <summary>What every token may do unless it is made without.</summary>
    public static Policy Default { get; } = Parse("""
        path "auth/token/lookup-self" { capabilities = ["read"] }
        path "auth/token/renew-self" { capabilities = ["update"] }
        path "auth/token/revoke-self" { capabilities = ["update"] }
        path "sys/capabilities-self" { capabilities = ["update"] }
        path "sys/internal/ui/resultant-acl" { capabilities = ["read"] }
        path "sys/renew" { capabilities = ["update"] }
        path "sys/leases/renew" { capabilities = ["update"] }
        path "sys/leases/lookup" { capabilities = ["update"] }
        path "cubbyhole/*" { capabilities = ["create", "read", "update", "delete", "list"] }
        path "sys/wrapping/wrap" { capabilities = ["update"] }
        path "sys/wrapping/lookup" { capabilities = ["update"] }
        path "sys/wrapping/unwrap" { capabilities = ["update"] }
        path "sys/tools/hash" { capabilities = ["update"] }
        """);

    public static Policy Parse(string text)
    {
        string code = Comment().Replace(text, "");
        List<PolicyRule> rules = [];
        int at = 0;
        foreach (Match block in Block().Matches(code))
        {
            if (code[at..block.Index].Trim().Length > 0)
            {
                break;
            }

            string[] capabilities = [.. Quoted().Matches(block.Groups[2].Value).Select(static match => match.Groups[1].Value)];
            if (capabilities.FirstOrDefault(static capability => !Known.Contains(capability)) is { } unknown)
            {
                throw new VaultFailure(400, $"failed to parse policy: path \"{block.Groups[1].Value}\": invalid capability \"{unknown}\"");
            }

            rules.Add(new PolicyRule(block.Groups[1].Value.TrimStart('/'), capabilities));
            at = block.Index + block.Length;
        }

        return code[at..].Trim().Length == 0
            ? new Policy(text, rules)
            : throw new VaultFailure(400, $"failed to parse policy: the double reads blocks of path \"x\" {{ capabilities = [...] }} only, not: {code[at..].Trim()}");
    }

    [GeneratedRegex(@"(?m)(#|//)[^\n""]*$|/\*.*?\*/")]
    private static partial Regex Comment();

    [GeneratedRegex("""
        path\s+"([^"]*)"\s*\{\s*capabilities\s*=\s*\[([^\]]*)\]\s*\}
        """)]
    private static partial Regex Block();

    [GeneratedRegex("\"([^\"]*)\"")]
    private static partial Regex Quoted();
}
