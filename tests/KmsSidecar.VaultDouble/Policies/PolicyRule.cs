using KmsSidecar.Doubles.Core;

namespace KmsSidecar.Doubles.Policies;

/// <summary>One <c>path</c> block of a policy.</summary>
/// <param name="Path">May have <c>+</c> for one segment each, and a <c>*</c> at its end for anything.</param>
/// <param name="Capabilities">As written, <c>deny</c> and <c>sudo</c> among them.</param>
internal sealed record PolicyRule(string Path, IReadOnlyList<string> Capabilities)
{
    private readonly string[] _segments = Path.TrimEnd('*').Split('/');

    public bool IsPrefix => Path.EndsWith('*');

    public bool IsExact => !IsPrefix && !_segments.Contains("+");

    /// <summary>Of a rule with a wildcard: the more of the path is literal before the first, the sooner the rule counts.</summary>
    public int LiteralLength => Path.StartsWith("+/", StringComparison.Ordinal) ? 0
        : Path.IndexOf("/+", StringComparison.Ordinal) is var plus && plus >= 0 ? plus + 1
        : Path.Length - 1;

    public int Wildcards => _segments.Count(static segment => segment == "+");

    public bool Denies => Capabilities.Contains("deny");

    public static string Name(Operation operation) => operation switch
    {
        Operation.Create => "create",
        Operation.Read => "read",
        Operation.Update => "update",
        Operation.Delete => "delete",
        Operation.List => "list",
        _ => "patch",
    };

    public bool Matches(string path)
    {
        string[] segments = path.Split('/');
        if (IsPrefix ? segments.Length < _segments.Length : segments.Length != _segments.Length)
        {
            return false;
        }

        for (int i = 0; i < _segments.Length; i++)
        {
            bool isLastOfPrefix = IsPrefix && i == _segments.Length - 1;
            bool matches = _segments[i] == "+" && !isLastOfPrefix
                || (isLastOfPrefix ? segments[i].StartsWith(_segments[i], StringComparison.Ordinal) : segments[i] == _segments[i]);
            if (!matches)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Some path below the mount may match.</summary>
    public bool Reaches(string mountPath)
    {
        string[] wanted = mountPath.TrimEnd('/').Split('/');
        for (int i = 0; i < wanted.Length; i++)
        {
            bool isLastOfPrefix = IsPrefix && i == _segments.Length - 1;
            if (i >= _segments.Length)
            {
                return IsPrefix;
            }

            if (isLastOfPrefix)
            {
                return wanted[i].StartsWith(_segments[i], StringComparison.Ordinal);
            }

            if (_segments[i] != "+" && _segments[i] != wanted[i])
            {
                return false;
            }
        }

        return true;
    }
}
