using System.Text;
using KmsSidecar.Audit;
using KmsSidecar.Sealing;
using KmsSidecar.Storage;
using KmsSidecar.Tests.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace KmsSidecar.Tests.Audit;

/// <summary>A node's audit log in a directory of its own, which outlasts the processes that write it.</summary>
internal sealed class AuditUnderTest : IDisposable
{
    public static readonly AuditSettings Bounded = new(
        Directory: null, IsStrict: false, RefusesUnrecorded: false, FileBytes: 1 << 20, TimeSpan.FromHours(1), KeptBytes: 1 << 30);

    private static readonly AuditOperation Data = new(AuditKind.DataKey, "POST /v1/decrypt", "kms:Decrypt");
    private static readonly AuditOperation Change = new(AuditKind.Admin, "POST /keys", "kms:Configure");
    private static readonly AuditOperation Refusal = new(AuditKind.Access, "none", action: null);

    private readonly TempDirectory _place = new();
    private readonly NodeMasterKey _masterKey;
    private readonly SealedFiles _state;

    public AuditUnderTest()
    {
        DurableDirectory state = new(_place.PathOf("state"), Disk);
        state.EnsurePrivate();
        _masterKey = NodeMasterKey.ReadOrGenerate(state, out _);
        _state = _masterKey.Seal(state, AuditState.Purpose);
    }

    public FillingDisk Disk { get; } = new();

    public string LogDirectory => _place.PathOf("audit");

    public string[] Files => [.. AuditFileNames.In(LogDirectory).Select(name => Path.Join(LogDirectory, name))];

    public string[] Lines => [.. Files.SelectMany(static file => File.ReadAllText(file).Split('\n', StringSplitOptions.RemoveEmptyEntries))];

    public AuditLog Open(AuditSettings? settings = null) =>
        AuditLog.Open(settings ?? Bounded, LogDirectory, _state, _masterKey, Disk, new DirectoryLocks(), TimeProvider.System, NullLoggerFactory.Instance);

    /// <summary>One process: it records so many data keys, and ends as it should.</summary>
    public void Run(int records, AuditSettings? settings = null)
    {
        using AuditLog log = Open(settings);
        for (int i = 0; i < records; i++)
        {
            AddData(log);
        }
    }

    public static bool AddData(AuditLog log, string keyId = "app") => log.Add(Record(Data, keyId));

    public static void AddRefusal(AuditLog log) => log.Add(Record(Refusal, keyId: null));

    /// <summary>Returns when it is on disk, with whether it may be answered.</summary>
    public static async Task<bool> ChangeAsync(AuditLog log) => await log.CommitAsync(AuditKind.Admin, log.Add(Record(Change, "app")));

    /// <summary>As on the node, which knows how far the log was.</summary>
    public AuditReport Verify()
    {
        using AuditSigner signer = AuditSigner.Load(_state);
        using AuditKeys keys = new();
        keys.Add(signer.PublicKeyPem, "the node's key");
        AuditVerifier verifier = new(keys, new AuditState(_state).FindHead());
        verifier.Verify(LogDirectory, static _ => { });
        return verifier.Report;
    }

    public void Dispose()
    {
        _masterKey.Dispose();
        _place.Dispose();
    }

    private static AuditRecord Record(AuditOperation operation, string? keyId) => new()
    {
        Operation = operation,
        Subject = AuditSubject.OnSocket("data_socket", 1000, 1001, 1002),
        Time = DateTime.UtcNow.Ticks,
        Key = new AuditedKey { KeyId = keyId, Version = 3, Context = Encoding.UTF8.GetBytes("""{"bucket":"b"}""") },
        Status = 200,
        Microseconds = 17,
        RequestId = 0x0123,
        Generation = 2,
    };
}
