using System.Collections;
using System.Text;
using System.Text.RegularExpressions;
using KmsSidecar.CommandLine;
using KmsSidecar.Configuration;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Lifecycle;
using KmsSidecar.Observability;
using KmsSidecar.Options;
using Xunit;

namespace KmsSidecar.Tests.Rules;

/// <summary>What holds for all of the code, and a reviewer should not have to look for.</summary>
public sealed partial class CodeRules
{
    [Fact]
    public void Files_AreShort()
    {
        Assert.Empty(SourceTree.Files.Where(static file => file.Text.Count(static c => c == '\n') > 350).Select(static file => file.Path));
    }

    [Fact]
    public void NothingIsUnfinished_AndNoWarningIsSilenced()
    {
        Assert.Empty(SourceTree.Files
            .Where(static file => Unfinished().IsMatch(file.Text))
            .Select(static file => file.Path));
    }

    [Fact]
    public void EventIds_AreUnique()
    {
        int[] ids = [.. typeof(EventIds).GetFields().Select(static field => (int)field.GetRawConstantValue()!)];

        Assert.NotEmpty(ids);
        Assert.Equal(ids.Length, ids.Distinct().Count());
    }

    [Fact]
    public void EveryError_HasARow()
    {
        foreach (KmsError error in Enum.GetValues<KmsError>())
        {
            KmsErrors.Row row = KmsErrors.Describe(error);

            Assert.InRange(row.Status, error == KmsError.None ? 200 : 400, 599);
            Assert.Equal(row.Status is 503 or 504, row.Retryable);
            Assert.Equal(error == KmsError.None, row.Sentence.Length == 0);
        }
    }

    [Fact]
    public void SecretTypes_DoNotPrintTheirContent()
    {
        byte[] marker = Encoding.ASCII.GetBytes("0123456789abcdef0123456789abcdef");
        using SecretBytes secret = SecretBytes.CopyOf(marker);
        using AeadKey key = AeadKey.From(marker);
        using SecretBuffer buffer = new();
        marker.CopyTo(buffer.GetSpan(marker.Length));
        buffer.Advance(marker.Length);
        using ConfigurationPatch patch = ConfigurationPatch.Read(
            """{"backend_type":"local","key_dir":"/k","master_key":"0123456789abcdef"}"""u8, current: null, "");
        using ConfigurationDocument document = ConfigurationDocument.Replace(patch, BackendType.Local);

        using ConfigurationPatch remote = ConfigurationPatch.Read(
            """{"backend_type":"vault","address":"https://v","auth_method":{"token":"0123456789abcdef"}}"""u8, current: null, "");
        using ConfigurationDocument vault = ConfigurationDocument.Replace(remote, BackendType.Vault);

        foreach (object holder in (IEnumerable)new object[]
        {
            secret, key, buffer, patch, document, KmsConfiguration.From(document), remote, vault, vault.AuthMethod!, KmsConfiguration.From(vault),
        })
        {
            Assert.DoesNotContain("0123456789abcdef", holder.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void StoredGeneration_DoesNotPrintItsMembers()
    {
        // A record would: whatever it holds, and is given later, would be in the first log line that names it.
        Assert.Null(typeof(StoredGeneration).GetMethod("<Clone>$"));
    }

    [Fact]
    public void LogMethods_TakeNothingThatIsNamedLikeASecret()
    {
        string[] parameters = [.. SourceTree.Files
            .Where(static file => file.Text.Contains("[LoggerMessage(", StringComparison.Ordinal))
            .SelectMany(static file => LogParameters().Matches(file.Text))
            .Select(static match => match.Groups[1].Value)];

        Assert.True(parameters.Length > 10, "the log methods were not found");
        Assert.DoesNotContain(parameters, static list => SecretName().IsMatch(list));
    }

    [Fact]
    public void EverySetting_IsInTheReadme()
    {
        string readme = File.ReadAllText(Path.Join(SourceTree.Root, "README.md"));

        Assert.Empty(DaemonOption.All.Where(option => !readme.Contains($"`{option.Flag}", StringComparison.Ordinal)).Select(static option => option.Flag));
    }

    [Fact]
    public void EveryExitCode_IsInTheReadme_AndHasARow()
    {
        string readme = File.ReadAllText(Path.Join(SourceTree.Root, "README.md"));

        Assert.All(
            ExitCode.All, row => Assert.Contains($"| {row.Code} | {row.Meaning} | {(row.MayPass ? "yes" : "")} |\n", readme, StringComparison.Ordinal));
        Assert.Equal(ExitCode.All.Length, ExitCode.All.DistinctBy(static row => row.Code).Count());
        Assert.All(
            Enum.GetValues<FaultCause>(),
            static cause => Assert.Contains(ExitCode.All, row => row.Code == ExitCode.Of(cause, ExitCode.Storage)));
        Assert.Equal(
            Enum.GetValues<FaultCause>().Length, Enum.GetValues<FaultCause>().DistinctBy(static cause => ExitCode.Of(cause, ExitCode.Ok)).Count());
    }

    /// <summary>The only place where these words may stand: the rule that looks for them.</summary>
    [GeneratedRegex(@"\bTODO\b|\bFIXME\b|\bHACK\b|NotImplementedException|#pragma warning disable|SuppressMessage")]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"static partial void \w+\(([^)]*)\)")]
    private static partial Regex LogParameters();

    [GeneratedRegex(@"secret|password|plaintext|material|masterKey|body|signature|token", RegexOptions.IgnoreCase)]
    private static partial Regex SecretName();
}
