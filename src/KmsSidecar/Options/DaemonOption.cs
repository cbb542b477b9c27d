using System.Collections.Immutable;

namespace KmsSidecar.Options;

/// <summary>One setting of the daemon: a flag, an environment variable and a line of the configuration file, all of one name.</summary>
/// <param name="Name">As a flag, without dashes in front: <c>state-dir</c>.</param>
/// <param name="ValueName">What stands for the value in help; null for a switch.</param>
/// <param name="Default">What applies when it is not given, for help.</param>
/// <param name="IsRepeatable">May be given several times; in the environment separated by commas.</param>
/// <param name="Credential">Of the systemd credential that stands for the file when no file is given.</param>
internal sealed record DaemonOption(
    string Name, string? ValueName, string Default, string Help, bool IsRepeatable = false, string? Credential = null)
{
    public static readonly DaemonOption Listen = new(
        "listen",
        "[http://][https://]ADDR:PORT",
        "127.0.0.1:9020",
        "TCP address of the admin API, metrics and probes; without a scheme TLS when there is a certificate; 'none' for no TCP",
        true);

    public static readonly DaemonOption TlsCert = new(
        "tls-cert",
        "FILE",
        "credential 'tls-cert', else none",
        "Certificate for TLS, in PEM, its chain after it; `kms-sidecar tls init` makes one; read again when it changes",
        Credential: "tls-cert");

    public static readonly DaemonOption TlsKey = new(
        "tls-key", "FILE", "credential 'tls-key', else none", "Its private key, in PEM", Credential: "tls-key");

    public static readonly DaemonOption InsecureHttp = new(
        "insecure-http", null, "off", "Allow plain HTTP on addresses other than loopback");

    public static readonly DaemonOption Socket = new(
        "socket", "PATH", "/run/kms-sidecar/kms.sock", "Unix socket for data keys");

    public static readonly DaemonOption SocketMode = new("socket-mode", "MODE", "0660", "Permissions of both sockets, in octal");

    public static readonly DaemonOption SocketGroup = new(
        "socket-group", "GROUP", "the daemon's", "Group that owns the data socket, by name or number; its members may use it");

    public static readonly DaemonOption AdminSocket = new(
        "admin-socket", "PATH", "/run/kms-sidecar/admin.sock", "Unix socket with the admin routes; 'none' for none");

    public static readonly DaemonOption AdminGroup = new(
        "admin-group", "GROUP", "none", "Group that owns the admin socket and may use it, beside root and the daemon's own user");

    public static readonly DaemonOption AllowUid = new(
        "allow-uid", "N", "root and the daemon's own", "User that may use the data socket", true);

    public static readonly DaemonOption AllowGid = new("allow-gid", "N", "none", "Group that may use the data socket", true);

    public static readonly DaemonOption StateDir = new(
        "state-dir", "DIR", "/var/lib/kms-sidecar", "Sealed configuration, and the generated master key");

    public static readonly DaemonOption MasterKeyFile = new(
        "master-key-file",
        "FILE",
        "credential 'master-key', else generated",
        "The node's master key: one line of at least 32 bytes",
        Credential: "master-key");

    public static readonly DaemonOption StaticKeyFile = new(
        "static-key-file", "FILE", "credential 'static-key'", "Key of the static backend: KEY_ID:base64 of 32 bytes", Credential: "static-key");

    public static readonly DaemonOption CredentialsFile = new(
        "credentials-file",
        "FILE",
        "credential 'credentials', else RUSTFS_ACCESS_KEY and RUSTFS_SECRET_KEY",
        "Root credentials for the TCP listener, as NAME=value lines",
        Credential: "credentials");

    public static readonly DaemonOption UsersFile = new(
        "users-file",
        "FILE",
        "credential 'users', else none",
        "Users and their policies, as JSON; only root or the daemon's user may own and read it",
        Credential: "users");

    public static readonly DaemonOption AllowPresigned = new(
        "allow-presigned", null, "off", "Accept signatures in the query (presigned URLs) on GET and HEAD");

    public static readonly DaemonOption Region = new("region", "NAME", "us-east-1", "Region that signatures may name; '*' for any", true);

    public static readonly DaemonOption LegacyServerInfo = new(
        "legacy-server-info", "MODE", "full", "What the policy action admin:ServerInfo grants: full (every admin route), read-only, or off")
    {
        Choices = ["full", "read-only", "off"],
    };

    public static readonly DaemonOption AllowImmediateDeletion = new(
        "allow-immediate-deletion", null, "off", "Let administrators destroy keys without a waiting period; each request has to confirm the key");

    public static readonly DaemonOption FrameworkCiphers = new(
        "framework-ciphers", null, "off", "Use OpenSSL and not the processor's AES instructions, to compare the two; the bytes are the same");

    public static readonly DaemonOption RustFsEndpoint = new(
        "rustfs-endpoint", "URL", "none", "RustFS's own port, http(s)://HOST:PORT: its default key follows the daemon's");

    public static readonly DaemonOption RustFsCredentialsFile = new(
        "rustfs-credentials-file",
        "FILE",
        "credential 'rustfs-credentials', else the daemon's root credentials",
        "A RustFS administrator, as NAME=value lines",
        Credential: "rustfs-credentials");

    public static readonly DaemonOption RustFsCaFile = new(
        "rustfs-ca-file", "FILE", "what the system trusts", "Authorities that RustFS's certificate is checked against, as PEM");

    public static readonly DaemonOption RustFsKmsEndpoint = new(
        "rustfs-kms-endpoint", "URL", "the first --listen with TLS", "How RustFS reaches this daemon, https://HOST:PORT");

    public static readonly DaemonOption Audit = new(
        "audit", "MODE", "bounded", "Record operations: bounded (changes before their answer, data keys within a second), strict (everything before its answer), or off")
    {
        Choices = ["bounded", "strict", "off"],
    };

    public static readonly DaemonOption AuditDir = new("audit-dir", "DIR", "'audit' in the state directory", "Where the audit log is; made if missing");

    public static readonly DaemonOption AuditFull = new(
        "audit-full", "RULE", "continue", "When the audit log cannot be written: continue (loudly, and count what has no record), or refuse operations")
    {
        Choices = ["continue", "refuse"],
    };

    public static readonly DaemonOption AuditFileSize = new(
        "audit-file-size", "SIZE", "64M", "A file of the audit log that is longer is followed by a new one; in bytes, or with K, M or G");

    public static readonly DaemonOption AuditFileAge = new("audit-file-age", "HOURS", "24", "And so is one that is older, in hours");

    public static readonly DaemonOption AuditKeep = new(
        "audit-keep", "SIZE", "4G", "The oldest files of the audit log go when all of them together are longer");

    public static readonly DaemonOption LogFormat = new(
        "log-format", "FORMAT", "auto", "text, json, or auto: text on a terminal, json elsewhere, the journal's under systemd")
    {
        Choices = ["auto", "text", "json"],
    };

    public static readonly DaemonOption LogLevel = new("log-level", "LEVEL", "info", "debug, info, warning or error")
    {
        Choices = ["debug", "info", "warning", "error"],
    };

    public static readonly DaemonOption Dev = new(
        "dev", null, "off", "Try it: a temporary directory, generated credentials printed once, a local backend configured and started");

    public static readonly ImmutableArray<DaemonOption> All =
    [
        Listen, TlsCert, TlsKey, InsecureHttp, Socket, SocketMode, SocketGroup, AdminSocket, AdminGroup, AllowUid, AllowGid, StateDir,
        MasterKeyFile, StaticKeyFile, CredentialsFile, UsersFile, AllowPresigned, Region, LegacyServerInfo, AllowImmediateDeletion, FrameworkCiphers,
        RustFsEndpoint, RustFsCredentialsFile, RustFsCaFile, RustFsKmsEndpoint, Audit, AuditDir, AuditFull, AuditFileSize,
        AuditFileAge, AuditKeep, LogFormat, LogLevel, Dev,
    ];

    /// <summary>All values that there are; empty where there are others.</summary>
    public ImmutableArray<string> Choices { get; init; } = [];

    public string Flag => $"--{Name}";

    public string EnvironmentVariable => $"KMS_SIDECAR_{Name.Replace('-', '_').ToUpperInvariant()}";

    public string FileKey => Name.Replace('-', '_');
}
