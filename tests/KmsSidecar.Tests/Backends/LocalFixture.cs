using System.Text;
using KmsSidecar.Backends;
using KmsSidecar.Backends.Local;
using KmsSidecar.Crypto;
using KmsSidecar.Keys;
using KmsSidecar.Storage;
using KmsSidecar.Tests.Storage;
using Microsoft.Extensions.Time.Testing;

namespace KmsSidecar.Tests.Backends;

/// <summary>A key directory, and what one process brings to open it.</summary>
internal sealed class LocalFixture(TempDirectory directory, SecretBytes masterKey) : IDisposable
{
    public const string KnownMasterKey = "test-master-key";

    /// <summary>Material 0x42 × 32 under <see cref="KnownMasterKey"/> and the salt 00..0f, computed with other libraries.</summary>
    public const string KnownRecord =
        """
        {
          "format_version": 1,
          "key_id": "app-key",
          "version": 1,
          "algorithm": "AES_256",
          "usage": "EncryptDecrypt",
          "status": "Active",
          "description": null,
          "metadata": {},
          "created_at": "2026-01-01T00:00:00+00:00[UTC]",
          "rotated_at": null,
          "created_by": "local-kms",
          "deletion_date": null,
          "encrypted_key_material": "lTnl2Ut725sFxHpWPfGm9d9LGwnaxDFFlkelwbBUF4FUpvDMIVSHHBXzu/5ge2vf",
          "nonce": [
            0,
            1,
            2,
            3,
            4,
            5,
            6,
            7,
            8,
            9,
            10,
            11
          ],
          "at_rest_protection": "encrypted-master-key"
        }
        """;

    /// <summary>A data key 0x11 × 32 wrapped under 0x42 × 32, in RustFS's form.</summary>
    public const string KnownEnvelope =
        """
        {"key_id":"550e8400-e29b-41d4-a716-446655440000","master_key_id":"app-key","key_spec":"AES_256",
        "encrypted_key":[189,173,60,204,180,48,234,227,243,92,213,186,47,150,71,219,147,31,98,14,41,179,16,133,78,176,30,24,69,163,120,
        166,36,57,11,6,149,31,29,56,102,147,128,101,34,70,56,173],"nonce":[12,13,14,15,16,17,18,19,20,21,22,23],
        "encryption_context":{"bucket-a":"bucket-a/obj"},"created_at":"2026-01-01T00:00:00+00:00[UTC]"}
        """;

    public static readonly byte[] KnownSalt = [.. Enumerable.Range(0, 16).Select(i => (byte)i)];
    public static readonly byte[] KnownDataKey = [.. Enumerable.Repeat((byte)0x11, 32)];

    public LocalFixture(string masterKey = KnownMasterKey)
        : this(new TempDirectory(), Secret(masterKey))
    {
    }

    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    public DirectoryLocks Locks { get; } = new();

    public string FullPath => directory.FullPath;

    public static SecretBytes Secret(string text) => SecretBytes.CopyOf(Encoding.UTF8.GetBytes(text));

    /// <summary>The recorded directory and its master key.</summary>
    public static LocalFixture Recorded() => new(RecordedKeys.CopyOfLocalDirectory(), RecordedKeys.LocalMasterKey());

    /// <summary>The known salt, and nothing else.</summary>
    public static LocalFixture Known()
    {
        LocalFixture fixture = new();
        fixture.Put(".master-key.salt", KnownSalt);
        return fixture;
    }

    /// <summary>What the last opening, and the backend since, had to say.</summary>
    public List<string> Notices { get; private set; } = [];

    /// <summary>Opens any directory, as a process of its own would.</summary>
    public static LocalBackend OpenAt(
        string path, IFileSteps? steps = null, OpenMode mode = OpenMode.CreateMissing, string masterKey = KnownMasterKey)
    {
        using SecretBytes secret = Secret(masterKey);
        return LocalBackend.Open(
            new LocalBackendSettings(path) { Derive = RememberedDerivation.Argon2Id },
            mode,
            secret,
            steps ?? new SystemFileSteps(),
            new DirectoryLocks(),
            new BackendReports(static _ => { }, static _ => { }),
            new FakeTimeProvider());
    }

    public LocalBackend Open(IFileSteps? steps = null, DirectoryLocks? locks = null, OpenMode mode = OpenMode.CreateMissing)
    {
        List<string> notices = Notices = [];
        return LocalBackend.Open(
            new LocalBackendSettings(FullPath) { Derive = RememberedDerivation.Argon2Id },
            mode,
            masterKey,
            steps ?? new SystemFileSteps(),
            locks ?? Locks,
            new BackendReports(static _ => { }, notices.Add),
            Clock);
    }

    public void Put(string name, byte[] content) => File.WriteAllBytes(PathOf(name), content);

    public void Put(string name, string content) => File.WriteAllText(PathOf(name), content);

    public string PathOf(string name) => directory.PathOf(name);

    /// <summary>All names but that of the lock.</summary>
    public string[] Names() =>
    [
        .. Directory.GetFileSystemEntries(FullPath)
            .Select(path => Path.GetFileName(path))
            .Where(name => name != DirectoryLocks.FileName)
            .Order(StringComparer.Ordinal),
    ];

    public void Dispose()
    {
        masterKey.Dispose();
        directory.Dispose();
    }
}
