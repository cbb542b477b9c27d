using System.Text;
using KmsSidecar.Options;
using Xunit;

namespace KmsSidecar.Tests.Rules;

/// <summary>packaging/kms-sidecar.conf says of every setting what the program says. Run with <c>KMS_SIDECAR_WRITE=1</c> to write it anew.</summary>
public sealed class PackagedConfiguration
{
    private static readonly string File = Path.Join(SourceTree.Root, "packaging", "kms-sidecar.conf");

    private static readonly (string Title, DaemonOption[] Options)[] Groups =
    [
        ("TCP: admin API, AWS KMS API, /livez, /readyz, /metrics",
            [DaemonOption.Listen, DaemonOption.TlsCert, DaemonOption.TlsKey, DaemonOption.InsecureHttp]),
        ("Unix sockets",
            [
                DaemonOption.Socket, DaemonOption.SocketMode, DaemonOption.SocketGroup, DaemonOption.AllowUid, DaemonOption.AllowGid,
                DaemonOption.AdminSocket, DaemonOption.AdminGroup,
            ]),
        ("State and keys",
            [
                DaemonOption.StateDir, DaemonOption.MasterKeyFile, DaemonOption.StaticKeyFile, DaemonOption.AllowImmediateDeletion,
                DaemonOption.FrameworkCiphers,
            ]),
        ("Who may do what",
            [
                DaemonOption.CredentialsFile, DaemonOption.UsersFile, DaemonOption.Region, DaemonOption.AllowPresigned, DaemonOption.LegacyServerInfo,
            ]),
        ("RustFS's default key follows the daemon's (docs/rustfs.md)",
            [DaemonOption.RustFsEndpoint, DaemonOption.RustFsKmsEndpoint, DaemonOption.RustFsCredentialsFile, DaemonOption.RustFsCaFile]),
        ("Audit log (docs/audit.md)",
            [
                DaemonOption.Audit, DaemonOption.AuditDir, DaemonOption.AuditFull, DaemonOption.AuditFileSize, DaemonOption.AuditFileAge, DaemonOption.AuditKeep,
            ]),
        ("Log", [DaemonOption.LogFormat, DaemonOption.LogLevel]),
        ("Trying it", [DaemonOption.Dev]),
    ];

    [Fact]
    public void SaysWhatTheProgramSays()
    {
        string expected = Render();
        if (Environment.GetEnvironmentVariable("KMS_SIDECAR_WRITE") is not null)
        {
            System.IO.File.WriteAllText(File, expected);
        }

        Assert.Equal(expected, System.IO.File.ReadAllText(File));
    }

    [Fact]
    public void HasEverySettingOnce() => Assert.Equal(
        DaemonOption.All.Select(static option => option.Name).Order(), Groups.SelectMany(static group => group.Options).Select(static option => option.Name).Order());

    [Fact]
    public void Defaults_AreTakenAsTheyStand()
    {
        string[] lines = [.. Render().Split('\n').Where(static line => line.StartsWith('#') && !line.Contains("= …")).Select(static line => line[1..])];
        string[] settings = [.. lines.Where(static line => DaemonOption.All.Any(option => line.StartsWith($"{option.FileKey} = ", StringComparison.Ordinal)))];

        OptionValues values = OptionValues.Collect(static _ => [], static _ => null, File, settings, static _ => null);
        DaemonOptions options = DaemonOptions.From(values);

        Assert.Empty(values.Faults);
        DaemonOptions defaults = DaemonOptions.From(OptionValues.Collect(static _ => [], static _ => null, File, [], static _ => null));
        Assert.Equal(defaults.ToString(), options.ToString());
        Assert.Equal(DaemonOption.All.Count(HasPlainDefault), settings.Length);
    }

    private static string Render()
    {
        StringBuilder text = new("""
            # kms-sidecar: one `name = value` a line. Flags and KMS_SIDECAR_NAME in the environment win over this file; systemd credentials
            # (/etc/credstore/kms-sidecar.NAME) stand for files that nothing names. Each setting is here with its default, or with … where that
            # is not a value. After a change: kms-sidecar check && systemctl restart kms-sidecar

            """);
        foreach ((string title, DaemonOption[] options) in Groups)
        {
            text.Append($"\n## {title}\n");
            foreach (DaemonOption option in options)
            {
                text.Append($"\n# {option.Help}{(option.IsRepeatable ? "; one line for each" : "")}\n");
                if (!HasPlainDefault(option))
                {
                    text.Append($"# Default: {option.Default}\n");
                }

                text.Append($"#{option.FileKey} = {(HasPlainDefault(option) ? option.Default : "…")}\n");
            }
        }

        return text.ToString();
    }

    /// <summary>The default can be written as a value; otherwise it says in words what applies.</summary>
    private static bool HasPlainDefault(DaemonOption option) => option.Default != "none" && !option.Default.Contains(' ');
}
