using System.Text.RegularExpressions;

namespace KmsSidecar.Tests.Rules;

/// <summary>The product's own sources, for tests about the code itself.</summary>
internal static partial class SourceTree
{
    public static string Root { get; } = FindRoot();

    /// <summary>Every source file: its path below <c>src/KmsSidecar</c>, and its text.</summary>
    public static IReadOnlyList<(string Path, string Text)> Files { get; } =
    [
        .. Directory.EnumerateFiles(Path.Join(Root, "src", "KmsSidecar"), "*.cs", SearchOption.AllDirectories)
            .Select(static file => (Path.GetRelativePath(Path.Join(Root, "src", "KmsSidecar"), file), File.ReadAllText(file))),
    ];

    /// <summary>The namespaces below <c>KmsSidecar</c> that a source names, in usings or in full.</summary>
    public static IEnumerable<string> NamespacesIn(string source) =>
        Reference().Matches(source).Select(static match => match.Groups[1].Value).Distinct();

    [GeneratedRegex(@"(?<!namespace )\bKmsSidecar\.([A-Z]\w*)")]
    private static partial Regex Reference();

    private static string FindRoot()
    {
        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Join(directory.FullName, "KmsSidecar.sln")))
        {
            directory = directory.Parent;
        }

        return directory?.FullName ?? throw new InvalidOperationException("the tests run outside the repository");
    }
}
