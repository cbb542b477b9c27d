using System.Security.Cryptography;
using System.Text;
using KmsSidecar.Backends.Local;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Storage;
using KmsSidecar.Tests.Storage;
using Xunit;

namespace KmsSidecar.Tests.Backends;

public sealed class KeyTransferTests : IDisposable
{
    private const string TargetMasterKey = "the-master-key-of-the-target";

    private readonly LocalFixture _rustFs = LocalFixture.Recorded();
    private readonly TempDirectory _work = new();

    private string Target => _work.PathOf("target");

    public void Dispose()
    {
        _rustFs.Dispose();
        _work.Dispose();
    }

    [Fact]
    public async Task Import_TakesEveryKeyOver_AndLeavesTheSourceAsItWas()
    {
        string before = Fingerprint(_rustFs.FullPath);
        TransferredKey[] keys = Transfer(_rustFs.FullPath, Target);

        Assert.Equal(6, keys.Length);
        Assert.All(keys, static key => Assert.Equal(TransferOutcome.Transferred, key.Outcome));
        Assert.Equal(before, Fingerprint(_rustFs.FullPath));
        using LocalBackend backend = LocalFixture.OpenAt(Target, masterKey: TargetMasterKey);
        foreach (RecordedDataKey key in RecordedKeys.LocalDataKeys)
        {
            Assert.Equal(key.Plaintext, (await backend.UnwrapAsync(key.Blob, key.Context)).Plaintext);
        }

        using LocalBackend original = _rustFs.Open();
        foreach (string id in (await original.ListAsync()).Ids)
        {
            Assert.Equivalent((await original.FindAsync(id)).Key, (await backend.FindAsync(id)).Key, strict: true);
        }
    }

    [Fact]
    public void SecondTime_EverythingIsThere()
    {
        Transfer(_rustFs.FullPath, Target);
        string before = Fingerprint(Target);

        Assert.All(Transfer(_rustFs.FullPath, Target), static key => Assert.Equal(TransferOutcome.AlreadyThere, key.Outcome));
        Assert.Equal(before, Fingerprint(Target));
    }

    [Fact]
    public void DryRun_SaysTheSame_AndMakesNothing()
    {
        _rustFs.Put("broken.key", "{}");
        TransferredKey[] dry = Transfer(_rustFs.FullPath, Target, dryRun: true);

        Assert.False(Directory.Exists(Target));
        Assert.Equal(dry, Transfer(_rustFs.FullPath, Target));
        Assert.All(
            Transfer(_rustFs.FullPath, Target, dryRun: true),
            static key => Assert.Equal(key.KeyId == "broken" ? TransferOutcome.Unreadable : TransferOutcome.AlreadyThere, key.Outcome));
    }

    [Fact]
    public async Task AnotherKeyOfTheName_IsAConflict_AndStays()
    {
        KeyDescription mine;
        using (LocalBackend backend = LocalFixture.OpenAt(Target, masterKey: TargetMasterKey))
        {
            mine = await backend.CreateAsync("app-key");
        }

        File.WriteAllText(Path.Join(Target, "a.b.key"), "not a key");
        TransferredKey[] keys = Transfer(_rustFs.FullPath, Target);

        Assert.Equal(["a.b", "app-key"], keys.Where(static key => key.Outcome == TransferOutcome.Conflict).Select(static key => key.KeyId));
        Assert.Equal("not a key", File.ReadAllText(Path.Join(Target, "a.b.key")));
        using LocalBackend again = LocalFixture.OpenAt(Target, masterKey: TargetMasterKey);
        Assert.Equal(mine.CreatedAt, (await again.FindAsync("app-key")).Key!.CreatedAt);
    }

    [Fact]
    public async Task PlaintextAndOldRecords_AreSealedAnew()
    {
        using LocalFixture old = new("beta5-test-master-key");
        old.Put("plain.key", LocalFixture.KnownRecord.Replace("app-key", "plain", StringComparison.Ordinal)
            .Replace("lTnl2Ut725sFxHpWPfGm9d9LGwnaxDFFlkelwbBUF4FUpvDMIVSHHBXzu/5ge2vf", Convert.ToBase64String(Enumerable.Repeat((byte)0x42, 32).ToArray()), StringComparison.Ordinal)
            .Replace("encrypted-master-key", "plaintext-dev-only", StringComparison.Ordinal));
        using SecretBytes masterKey = LocalFixture.Secret("beta5-test-master-key");
        TransferredKey[] keys = Transfer(old.FullPath, Target, fromMasterKey: masterKey);

        Assert.Equal([TransferOutcome.Transferred], keys.Select(static key => key.Outcome));
        Assert.Equal(["plain.key"], old.Names());
        Assert.DoesNotContain("plaintext", File.ReadAllText(Path.Join(Target, "plain.key")), StringComparison.Ordinal);
        using LocalBackend backend = LocalFixture.OpenAt(Target, masterKey: TargetMasterKey);
        byte[] envelope = Encoding.UTF8.GetBytes(LocalFixture.KnownEnvelope.Replace("app-key", "plain", StringComparison.Ordinal));
        Assert.Equal(LocalFixture.KnownDataKey, (await backend.UnwrapAsync(envelope)).Plaintext);
    }

    [Fact]
    public async Task RotatedKey_IsTakenOverWithItsVersions_AndNotGivenToRustFs()
    {
        byte[] second;
        using (LocalBackend backend = _rustFs.Open())
        {
            await backend.RotateAsync("app-key");
            second = (await backend.WrapAsync("app-key")).Blob;
        }

        TransferredKey[] exported = Transfer(_rustFs.FullPath, _work.PathOf("exported"), forRustFs: true);
        Assert.Equal(["app-key"], exported.Where(static key => key.Outcome == TransferOutcome.Rotated).Select(static key => key.KeyId));
        Assert.False(File.Exists(_work.PathOf("exported/app-key.key")));
        Assert.Equal(5, exported.Count(static key => key.Outcome == TransferOutcome.Transferred));

        Transfer(_rustFs.FullPath, Target);
        using LocalBackend moved = LocalFixture.OpenAt(Target, masterKey: TargetMasterKey);
        Assert.Equal(2u, (await moved.UnwrapAsync(second)).Version);
        Assert.Equal(3u, (await moved.RotateAsync("app-key")).Version);
    }

    [Fact]
    public async Task KeyThatWasRotatedSince_IsAConflict_AndIsNotCalledComplete()
    {
        Transfer(_rustFs.FullPath, Target);
        using (LocalBackend backend = _rustFs.Open())
        {
            await backend.RotateAsync("app-key");
        }

        TransferredKey[] dry = Transfer(_rustFs.FullPath, Target, dryRun: true);
        TransferredKey conflict = Assert.Single(dry, static key => key.Outcome != TransferOutcome.AlreadyThere);
        Assert.Equal(("app-key", TransferOutcome.Conflict), (conflict.KeyId, conflict.Outcome));
        Assert.Equal(dry, Transfer(_rustFs.FullPath, Target));
    }

    [Theory]
    [InlineData(false, TransferOutcome.Unreadable)]
    [InlineData(true, TransferOutcome.Rotated)]
    public async Task KeyWhoseNewestVersionIsLost_IsNotTransferred(bool forRustFs, object outcome)
    {
        using (LocalBackend backend = _rustFs.Open())
        {
            await backend.RotateAsync("app-key");
        }

        File.Delete(_rustFs.PathOf("app-key.v2"));
        Assert.Equal(outcome, Assert.Single(Transfer(_rustFs.FullPath, Target, forRustFs), static key => key.KeyId == "app-key").Outcome);
        Assert.False(File.Exists(Path.Join(Target, "app-key.key")));
    }

    [Fact]
    public async Task DryRun_SeesAVersionThatIsInTheWay()
    {
        using (LocalBackend backend = _rustFs.Open())
        {
            await backend.RotateAsync("app-key");
        }

        Directory.CreateDirectory(Target);
        File.WriteAllText(Path.Join(Target, "app-key.v2"), "another");
        TransferredKey[] dry = Transfer(_rustFs.FullPath, Target, dryRun: true);
        Assert.Equal(TransferOutcome.Conflict, Assert.Single(dry, static key => key.KeyId == "app-key").Outcome);
        Assert.Equal(dry, Transfer(_rustFs.FullPath, Target));
    }

    [Fact]
    public void WrongMasterKey_OpensNothing_AndCopiesNothing()
    {
        using SecretBytes wrong = LocalFixture.Secret("wrong");
        Assert.All(Transfer(_rustFs.FullPath, Target, fromMasterKey: wrong), static key => Assert.Equal(TransferOutcome.Unreadable, key.Outcome));
        Assert.Empty(Directory.GetFiles(Target, "*.key"));
    }

    [Fact]
    public void TargetThatADaemonUses_IsRefused_WithItsProcess()
    {
        using LocalBackend daemon = LocalFixture.OpenAt(Target, masterKey: TargetMasterKey);
        KmsException refused = Assert.Throws<KmsException>(() => Transfer(_rustFs.FullPath, Target));
        Assert.Contains($"(process {Environment.ProcessId})", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Stop it", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SourceAsTarget_IsRefused() =>
        Assert.Equal(KmsError.InvalidConfiguration, Assert.Throws<KmsException>(() => Transfer(_rustFs.FullPath, _rustFs.FullPath)).Error);

    [Fact]
    public async Task InterruptedTransfer_IsDoneAgain()
    {
        using LocalFixture source = LocalFixture.Known();
        source.Put("app-key.key", LocalFixture.KnownRecord);
        using (LocalBackend backend = source.Open())
        {
            await backend.RotateAsync("app-key");
        }

        using SecretBytes masterKey = LocalFixture.Secret(LocalFixture.KnownMasterKey);
        Crashes.Every(
            static _ => { },
            (path, steps) => Transfer(source.FullPath, Path.Join(path, "target"), fromMasterKey: masterKey, steps: steps),
            (path, where) =>
            {
                string target = Path.Join(path, "target");
                TransferredKey key = Assert.Single(Transfer(source.FullPath, target, fromMasterKey: masterKey));
                Assert.True(key.Outcome is TransferOutcome.Transferred or TransferOutcome.AlreadyThere, $"{where}: {key}");
                using LocalBackend moved = LocalFixture.OpenAt(target, masterKey: TargetMasterKey);
                Assert.True(moved.Unreadable.IsEmpty, where);
                Assert.Equal(2u, moved.WrapAsync("app-key").GetAwaiter().GetResult().Version);
            });
    }

    private static TransferredKey[] Transfer(
        string from, string to, bool forRustFs = false, bool dryRun = false, SecretBytes? fromMasterKey = null, IFileSteps? steps = null)
    {
        using SecretBytes recorded = RecordedKeys.LocalMasterKey();
        using SecretBytes target = LocalFixture.Secret(TargetMasterKey);
        using KeyTransfer transfer = new(
            new TransferEnd(from, fromMasterKey ?? recorded) { Derive = RememberedDerivation.Argon2Id },
            new TransferEnd(to, target) { Derive = RememberedDerivation.Argon2Id },
            forRustFs,
            dryRun,
            steps ?? new SystemFileSteps(),
            new DirectoryLocks());
        return [.. transfer.Run()];
    }

    /// <summary>Names, modes and contents.</summary>
    private static string Fingerprint(string directory) => string.Join('\n', Directory.GetFileSystemEntries(directory).Order(StringComparer.Ordinal)
        .Append(directory)
        .Select(static path => $"{path} {File.GetUnixFileMode(path)} {(File.Exists(path) ? Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path))) : "")}"));
}
