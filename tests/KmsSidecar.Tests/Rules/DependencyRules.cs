using System.Text.RegularExpressions;
using Xunit;

namespace KmsSidecar.Tests.Rules;

/// <summary>Dependencies point one way. The table is the rule: a folder may name those on its right, and nothing else of ours.</summary>
public sealed partial class DependencyRules
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        [""] = ["CommandLine"],
        ["CommandLine"] =
        [
            "Access", "Audit", "Auth", "Backends", "Configuration", "Crypto", "Errors", "Hosting", "Json", "Keys", "Observability", "Options", "Sealing", "Storage", "Tls",
        ],
        ["Hosting"] =
        [
            "Access", "Api", "Audit", "Auth", "Backends", "Background", "CommandLine", "Configuration", "Crypto", "Transport", "Errors", "Keys", "Lifecycle", "Observability", "Operations",
            "Options", "RustFs", "Sealing", "Storage", "Tls", "Vault",
        ],
        ["Transport"] = ["Api", "Audit", "Auth", "Crypto", "Errors", "Lifecycle", "Observability", "Storage", "Tls"],
        ["Api"] = ["Access", "Audit", "Auth", "Configuration", "Crypto", "Errors", "Json", "Keys", "Lifecycle", "Observability", "Operations", "RustFs", "Sharing"],
        ["RustFs"] = ["Auth", "Background", "Lifecycle", "Observability", "Tls"],
        ["Operations"] = ["Background", "Crypto", "Errors", "Keys", "Lifecycle", "Observability"],
        ["Lifecycle"] = ["Configuration", "Crypto", "Errors", "Json", "Keys", "Observability", "Sealing", "Sharing"],
        ["Configuration"] = ["Crypto", "Errors", "Json", "Keys"],
        ["Backends"] = ["Background", "Crypto", "Errors", "Keys", "Observability", "Sharing", "Storage", "Vault"],
        ["Vault"] = ["Background", "Crypto", "Errors", "Observability", "Sharing", "Storage", "Tls"],
        ["Keys"] = ["Crypto", "Errors", "Sharing"],
        ["Sealing"] = ["Crypto", "Errors", "Storage"],
        ["Tls"] = ["Background", "Crypto", "Errors", "Observability", "Storage"],
        ["Json"] = ["Errors"],
        ["Storage"] = ["Errors"],
        ["Access"] = ["Auth", "Crypto", "Errors", "Json", "Observability", "Sealing", "Storage"],
        ["Audit"] = ["Crypto", "Errors", "Observability", "Sealing", "Storage"],
        ["Auth"] = [],
        ["Options"] = ["Access", "Audit"],
        ["Crypto"] = [],
        ["Errors"] = [],
        ["Background"] = [],
        ["Sharing"] = ["Errors"],
        ["Observability"] = [],
    };

    [Fact]
    public void EveryArrow_IsInTheTable()
    {
        Assert.Empty(SourceTree.Files.SelectMany(static file => BackwardArrows(file.Path, file.Text)));
    }

    [Fact]
    public void TheTable_HasNoCircle_ButTheExitCodes()
    {
        // Hosting names CommandLine for its exit codes, and CommandLine names Hosting to run it.
        foreach ((string folder, string[] targets) in Allowed)
        {
            foreach (string target in targets)
            {
                bool isBackward = Allowed[target].Contains(folder);
                Assert.Equal((folder, target) is ("Hosting", "CommandLine") or ("CommandLine", "Hosting"), isBackward);
            }
        }
    }

    [Theory]
    [InlineData("Crypto/Made.cs", "using KmsSidecar.Lifecycle;", "Lifecycle")]
    [InlineData("Keys/Made.cs", "var x = new KmsSidecar.Api.Call();", "Api")]
    [InlineData("Backends/Local/Made.cs", "using KmsSidecar.Configuration;", "Configuration")]
    [InlineData("Unknown/Made.cs", "", "folder")]
    public void BackwardArrow_IsFound(string path, string source, string expected)
    {
        Assert.Contains(expected, Assert.Single(BackwardArrows(path, source)), StringComparison.Ordinal);
    }

    [Fact]
    public void AspNetCore_StaysAtTheDoors()
    {
        Assert.Empty(SourceTree.Files
            .Where(static file => FolderOf(file.Path) is not ("Api" or "Transport" or "Hosting"))
            .Where(static file => AspNetCore().IsMatch(file.Text))
            .Select(static file => file.Path));
    }

    [Fact]
    public void Ciphers_AreNamedInCryptoOnly()
    {
        Assert.Empty(SourceTree.Files
            .Where(static file => FolderOf(file.Path) != "Crypto")
            .Where(static file => Cipher().IsMatch(file.Text))
            .Select(static file => file.Path));
    }

    private static string FolderOf(string path) => path.Contains('/', StringComparison.Ordinal) ? path[..path.IndexOf('/', StringComparison.Ordinal)] : "";

    private static IEnumerable<string> BackwardArrows(string path, string source)
    {
        string folder = FolderOf(path);
        if (!Allowed.TryGetValue(folder, out string[]? targets))
        {
            return [$"{path}: the folder is not in the table"];
        }

        return SourceTree.NamespacesIn(source)
            .Where(target => target != folder && Allowed.ContainsKey(target) && !targets.Contains(target))
            .Select(target => $"{path} names {target}");
    }

    [GeneratedRegex(@"Microsoft\.AspNetCore|\bHttpContext\b|\bWebApplication\b")]
    private static partial Regex AspNetCore();

    [GeneratedRegex(@"\b(AesGcm|AesCcm|Aes|ChaCha20Poly1305)\b\s*[.(]")]
    private static partial Regex Cipher();
}
