using KmsSidecar.Doubles.Core;

namespace KmsSidecar.Doubles.Policies;

/// <summary>What the policies of one token allow together. Of the rules that match a path the most exact one counts, and no other.</summary>
internal sealed class AccessList(IEnumerable<PolicyRule> rules, bool isRoot)
{
    private static readonly string[] Denied = ["deny"];

    private readonly IReadOnlyList<PolicyRule> _rules = [.. rules];

    public bool Allows(string path, Operation operation) =>
        isRoot || CapabilitiesAt(path, isList: operation == Operation.List).Contains(PolicyRule.Name(operation));

    /// <summary>In alphabetical order; <c>root</c> alone for root, <c>deny</c> alone where nothing is allowed.</summary>
    /// <param name="isList">A rule for the folder without its slash counts too.</param>
    public IReadOnlyList<string> CapabilitiesAt(string path, bool isList = true)
    {
        if (isRoot)
        {
            return ["root"];
        }

        PolicyRule[] best = Exact(path) is { Length: > 0 } exact ? exact
            : isList && Exact(path.TrimEnd('/')) is { Length: > 0 } folder ? folder
            : BestByWildcard(path);
        return best.Length == 0 || best.Any(static rule => rule.Denies)
            ? Denied
            : [.. best.SelectMany(static rule => rule.Capabilities).Distinct().Order(StringComparer.Ordinal)];
    }

    /// <summary>Something below the mount is allowed.</summary>
    public bool Reaches(string mountPath) => isRoot || _rules.Any(rule => !rule.Denies && rule.Capabilities.Count > 0 && rule.Reaches(mountPath));

    /// <summary>More than one where several policies name the path.</summary>
    private PolicyRule[] Exact(string path) => [.. _rules.Where(rule => rule.IsExact && rule.Path == path)];

    private PolicyRule[] BestByWildcard(string path)
    {
        PolicyRule? best = _rules
            .Where(rule => !rule.IsExact && rule.Matches(path))
            .OrderByDescending(static rule => rule.LiteralLength)
            .ThenBy(static rule => rule.IsPrefix)
            .ThenBy(static rule => rule.Wildcards)
            .ThenByDescending(static rule => rule.Path.Length)
            .FirstOrDefault();
        return best is null ? [] : [.. _rules.Where(rule => rule.Path == best.Path)];
    }
}
