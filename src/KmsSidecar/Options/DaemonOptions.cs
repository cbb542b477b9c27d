using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using KmsSidecar.Access;
using KmsSidecar.Audit;

namespace KmsSidecar.Options;

internal enum LogFormat
{
    Auto,
    Text,
    Json,
}

/// <summary>The settings of the daemon, checked.</summary>
internal sealed record DaemonOptions
{
    private const string AnyRegion = "*";

    /// <summary>sun_path of unix(7), less its terminator.</summary>
    private const int MaxSocketPathBytes = 107;

    /// <summary>PATH_MAX, less its terminator.</summary>
    private const int MaxPathBytes = 4095;

    /// <summary>Empty for no TCP.</summary>
    public ImmutableArray<ListenAddress> Listen { get; init; } = [];

    /// <summary>Null when there is none; then <see cref="TlsKey"/> is null, too.</summary>
    public string? TlsCertificate { get; init; }

    public string? TlsKey { get; init; }

    public required string Socket { get; init; }

    /// <summary>Null for none.</summary>
    public string? AdminSocket { get; init; }

    /// <summary>Of both, where there are two.</summary>
    public ImmutableArray<string> SocketPaths => AdminSocket is { } admin ? [Socket, admin] : [Socket];

    public UnixFileMode SocketMode { get; init; }

    /// <summary>Null for the daemon's own.</summary>
    public uint? SocketGroup { get; init; }

    public uint? AdminGroup { get; init; }

    public ImmutableArray<uint> AllowUids { get; init; } = [];

    public ImmutableArray<uint> AllowGids { get; init; } = [];

    public required string StateDirectory { get; init; }

    public string? MasterKeyFile { get; init; }

    public string? StaticKeyFile { get; init; }

    public string? CredentialsFile { get; init; }

    /// <summary>Null for none.</summary>
    public string? UsersFile { get; init; }

    public bool AllowPresigned { get; init; }

    public ImmutableArray<string> Regions { get; init; } = [];

    /// <summary>What this daemon calls its own region: the first that is named, and the usual one where any is taken.</summary>
    public string OwnRegion => Regions.FirstOrDefault(static region => region != AnyRegion) ?? DaemonOption.Region.Default;

    public bool TakesAnyRegion => Regions.Contains(AnyRegion);

    public LegacyServerInfo LegacyServerInfo { get; init; }

    /// <summary>Keys may be destroyed without a waiting period.</summary>
    public bool AllowImmediateDeletion { get; init; }

    public bool FrameworkCiphers { get; init; }

    /// <summary>Null when RustFS does not follow.</summary>
    public RustFsOptions? RustFs { get; init; }

    /// <summary>Null when nothing is recorded.</summary>
    public AuditSettings? Audit { get; init; }

    public LogFormat LogFormat { get; init; }

    public LogLevel LogLevel { get; init; }

    public bool Development { get; init; }

    /// <summary>Turns text into settings. What is wrong is added to the values' faults; the result is then not to be used.</summary>
    public static DaemonOptions From(OptionValues values)
    {
        ImmutableArray<ListenAddress> listen = ListenAddress.Read(values, values.Text(DaemonOption.TlsCert) is not null);
        DaemonOptions options = new()
        {
            Listen = listen,
            TlsCertificate = values.Text(DaemonOption.TlsCert),
            TlsKey = values.Text(DaemonOption.TlsKey),
            Socket = ReadPath(values, DaemonOption.Socket),
            AdminSocket = values.Text(DaemonOption.AdminSocket) == "none" ? null : ReadPath(values, DaemonOption.AdminSocket),
            SocketMode = ReadMode(values),
            SocketGroup = ReadGroup(values, DaemonOption.SocketGroup),
            AdminGroup = ReadGroup(values, DaemonOption.AdminGroup),
            AllowUids = ReadIds(values, DaemonOption.AllowUid),
            AllowGids = ReadIds(values, DaemonOption.AllowGid),
            StateDirectory = ReadPath(values, DaemonOption.StateDir),
            MasterKeyFile = values.Text(DaemonOption.MasterKeyFile),
            StaticKeyFile = values.Text(DaemonOption.StaticKeyFile),
            CredentialsFile = values.Text(DaemonOption.CredentialsFile),
            UsersFile = values.Text(DaemonOption.UsersFile),
            AllowPresigned = values.Switch(DaemonOption.AllowPresigned),
            Regions = values.List(DaemonOption.Region) is { Count: > 0 } regions
                ? [.. regions.Select(static region => region.Text)]
                : [DaemonOption.Region.Default],
            LegacyServerInfo = ReadLegacyServerInfo(values),
            AllowImmediateDeletion = values.Switch(DaemonOption.AllowImmediateDeletion),
            FrameworkCiphers = values.Switch(DaemonOption.FrameworkCiphers),
            RustFs = RustFsOptions.From(values, listen),
            Audit = AuditOptions.From(values),
            LogFormat = ReadFormat(values),
            LogLevel = ReadLevel(values),
            Development = values.Switch(DaemonOption.Dev),
        };
        RequirePair(values, DaemonOption.TlsCert, DaemonOption.TlsKey);
        if (options.Socket == options.AdminSocket)
        {
            values.AddFault($"--socket and --admin-socket are both {options.Socket}");
        }

        return options;
    }

    private static void RequirePair(OptionValues values, DaemonOption one, DaemonOption other)
    {
        if (values.Find(one) is { } first && values.Find(other) is null)
        {
            values.Refuse(first, $"{other.Flag} is missing; the two belong together");
        }
        else if (values.Find(one) is null && values.Find(other) is { } second)
        {
            values.Refuse(second, $"{one.Flag} is missing; the two belong together");
        }
    }

    private static string ReadPath(OptionValues values, DaemonOption option)
    {
        if (values.Find(option) is not { } given)
        {
            return option.Default;
        }

        bool isSocket = option == DaemonOption.Socket || option == DaemonOption.AdminSocket;
        int longest = isSocket ? MaxSocketPathBytes : MaxPathBytes;
        if (!Path.IsPathFullyQualified(given.Text))
        {
            values.Refuse(given, "expected an absolute path");
        }
        else if (Encoding.UTF8.GetByteCount(given.Text) > longest)
        {
            values.Refuse(given, $"the path is longer than {longest} bytes");
        }

        return given.Text;
    }

    private static UnixFileMode ReadMode(OptionValues values)
    {
        string text = values.Text(DaemonOption.SocketMode) ?? DaemonOption.SocketMode.Default;
        if (text.Length is > 0 and <= 4 && text.All(static digit => digit is >= '0' and <= '7') && Convert.ToInt32(text, 8) <= 0x1FF)
        {
            return (UnixFileMode)Convert.ToInt32(text, 8);
        }

        values.Refuse(values.Find(DaemonOption.SocketMode)!.Value, "expected an octal mode such as 0660");
        return UnixFileMode.None;
    }

    private static uint? ReadGroup(OptionValues values, DaemonOption option)
    {
        if (values.Find(option) is not { } given)
        {
            return null;
        }

        if (!SystemGroups.TryFind(given.Text, out uint id))
        {
            values.Refuse(given, "there is no such group");
        }

        return id;
    }

    private static ImmutableArray<uint> ReadIds(OptionValues values, DaemonOption option)
    {
        ImmutableArray<uint>.Builder ids = ImmutableArray.CreateBuilder<uint>();
        foreach (OptionValue given in values.List(option))
        {
            if (uint.TryParse(given.Text, NumberStyles.None, CultureInfo.InvariantCulture, out uint id))
            {
                ids.Add(id);
            }
            else
            {
                values.Refuse(given, "expected a number; `id NAME` shows it");
            }
        }

        return ids.ToImmutable();
    }

    private static LegacyServerInfo ReadLegacyServerInfo(OptionValues values)
    {
        switch (values.Find(DaemonOption.LegacyServerInfo))
        {
            case null or { Text: "full" }:
                return LegacyServerInfo.Full;
            case { Text: "read-only" }:
                return LegacyServerInfo.ReadOnly;
            case { Text: "off" }:
                return LegacyServerInfo.Off;
            case { } other:
                values.Refuse(other, "expected full, read-only or off");
                return LegacyServerInfo.Off;
        }
    }

    private static LogFormat ReadFormat(OptionValues values)
    {
        switch (values.Find(DaemonOption.LogFormat))
        {
            case null or { Text: "auto" }:
                return LogFormat.Auto;
            case { Text: "text" }:
                return LogFormat.Text;
            case { Text: "json" }:
                return LogFormat.Json;
            case { } other:
                values.Refuse(other, "expected auto, text or json");
                return LogFormat.Auto;
        }
    }

    private static LogLevel ReadLevel(OptionValues values)
    {
        switch (values.Find(DaemonOption.LogLevel))
        {
            case { Text: "debug" }:
                return LogLevel.Debug;
            case null or { Text: "info" }:
                return LogLevel.Information;
            case { Text: "warning" }:
                return LogLevel.Warning;
            case { Text: "error" }:
                return LogLevel.Error;
            case { } other:
                values.Refuse(other, "expected debug, info, warning or error");
                return LogLevel.Information;
        }
    }
}
