using System.Text;
using KmsSidecar.Backends.Local;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Storage;
using KmsSidecar.Tests.Storage;
using Xunit;

namespace KmsSidecar.Tests.Backends;

public sealed class LocalBackendTests
{
    private const string Uuid = "0f8fad5b-d9cb-469f-a165-70867728950e";

    [Fact]
    public async Task RecordedDataKeys_AllOpen_AndNothingIsWritten()
    {
        using LocalFixture fixture = LocalFixture.Recorded();
        Dictionary<string, (string, DateTime)> before = Snapshot(fixture);
        using (LocalBackend backend = fixture.Open())
        {
            Assert.Empty(backend.Unreadable);
            Assert.Empty(fixture.Notices);
            Assert.Equal(28, RecordedKeys.LocalDataKeys.Length);
            foreach (RecordedDataKey key in RecordedKeys.LocalDataKeys)
            {
                Assert.Equal(key.Plaintext, (await backend.UnwrapAsync(key.Blob, key.Context)).Plaintext);
                Assert.Equal(key.Plaintext, (await backend.UnwrapAsync(key.Blob)).Plaintext);
            }

            (string[] ids, string? next) = await backend.ListAsync();
            Assert.Equal(["a.b", "app-key", "disabled-key", "pending-key", "rustfs-internal-kms-probe", "unicode-key"], ids);
            Assert.Null(next);
        }

        Assert.Equal(before, Snapshot(fixture));
    }

    [Fact]
    public async Task RecordedKeys_AreDescribed()
    {
        using LocalFixture fixture = LocalFixture.Recorded();
        using LocalBackend backend = fixture.Open();
        KeyDescription pending = (await backend.FindAsync("pending-key")).Key!;
        Assert.Equal(KeyState.PendingDeletion, pending.State);
        Assert.Equal("2026-12-23T20:07:45.109813907+00:00[Etc/UTC]", pending.DeletionDate);
        Assert.Equal("pending-key description", pending.Description);
        Assert.Equal(("KMS", "CUSTOMER", "local-kms"), (pending.Origin, pending.Manager, pending.CreatedBy));
        Assert.Equal(["name", "owner"], pending.Tags.Keys);
    }

    [Fact]
    public async Task States_GateWrapping_AndNotUnwrapping()
    {
        using LocalFixture fixture = LocalFixture.Recorded();
        fixture.Put("gone.key", File.ReadAllText(fixture.PathOf("app-key.key"))
            .Replace("\"app-key\"", "\"gone\"", StringComparison.Ordinal).Replace("\"Active\"", "\"Deleted\"", StringComparison.Ordinal));
        using LocalBackend backend = fixture.Open();
        Assert.Equal(KmsError.None, (await backend.WrapAsync("app-key")).Error);
        Assert.Equal(KmsError.KeyDisabled, (await backend.WrapAsync("disabled-key")).Error);
        Assert.Equal(KmsError.KeyPendingDeletion, (await backend.WrapAsync("pending-key")).Error);
        Assert.Equal(KmsError.KeyNotFound, (await backend.WrapAsync("gone")).Error);
        Assert.Contains(RecordedKeys.LocalDataKeys, key => Names(key, "disabled-key"));
        Assert.Contains(RecordedKeys.LocalDataKeys, key => Names(key, "pending-key"));
    }

    [Fact]
    public async Task IndependentlyComputedFiles_Open()
    {
        using LocalFixture fixture = LocalFixture.Known();
        fixture.Put("app-key.key", LocalFixture.KnownRecord);
        using LocalBackend backend = fixture.Open();
        Assert.Equal(LocalFixture.KnownDataKey, (await backend.UnwrapAsync(Encoding.UTF8.GetBytes(LocalFixture.KnownEnvelope))).Plaintext);
    }

    [Fact]
    public async Task WrongMasterKey_DamagesEveryKey_AndMakesNoNewOne()
    {
        using LocalFixture fixture = new(RecordedKeys.CopyOfLocalDirectory(), LocalFixture.Secret("another master key"));
        using LocalBackend backend = fixture.Open();
        Assert.Equal(0, backend.KeyCount);
        Assert.Equal(6, backend.Unreadable.Length);
        Assert.All(backend.Unreadable, key => Assert.Contains("another master key", key.Reason, StringComparison.Ordinal));
        Assert.True(await backend.HoldsAsync("app-key"));
        Assert.Equal((KmsError.KeyDamaged, null), await backend.FindAsync("app-key"));
        Assert.Equal(KmsError.KeyDamaged, (await backend.WrapAsync("app-key")).Error);
        Assert.Equal(KmsError.KeyDamaged, (await backend.UnwrapAsync(RecordedKeys.LocalDataKeys[0].Blob)).Error);
        Assert.Equal(KmsError.InvalidConfiguration, await backend.CreateErrorAsync("new-key"));
        Assert.DoesNotContain("new-key.key", fixture.Names());
    }

    [Fact]
    public async Task DamagedFile_TakesOnlyItsOwnKeyOut()
    {
        using LocalFixture fixture = LocalFixture.Recorded();
        fixture.Put("app-key.key", File.ReadAllBytes(fixture.PathOf("app-key.key"))[..200]);
        Directory.CreateDirectory(fixture.PathOf("folder.key"));
        File.CreateSymbolicLink(fixture.PathOf("link.key"), fixture.PathOf("a.b.key"));
        File.Copy(fixture.PathOf("a.b.key"), fixture.PathOf("copy.key"));
        using LocalBackend backend = fixture.Open();
        Assert.Equal(["app-key.key", "copy.key", "folder.key", "link.key"], backend.Unreadable.Select(key => key.Name));
        Assert.Contains("not a key record", backend.Unreadable[0].Reason, StringComparison.Ordinal);
        Assert.Contains("not the name of its file", backend.Unreadable[1].Reason, StringComparison.Ordinal);
        Assert.Contains("not a regular file", backend.Unreadable[2].Reason, StringComparison.Ordinal);
        Assert.Contains("symbolic link", backend.Unreadable[3].Reason, StringComparison.Ordinal);
        Assert.Equal(5, backend.KeyCount);
        Assert.Equal(KmsError.None, (await backend.WrapAsync("a.b")).Error);
        Assert.Equal(KmsError.KeyExists, await backend.CreateErrorAsync("app-key"));
        Assert.Equal(200, new FileInfo(fixture.PathOf("app-key.key")).Length);
    }

    [Fact]
    public void FileNameThatIsNotUtf8_IsReported()
    {
        using LocalFixture fixture = LocalFixture.Recorded();
        byte[] path = [.. Encoding.UTF8.GetBytes(fixture.FullPath), (byte)'/', 0xff, .. ".key"u8];
        RawFiles.Create(path);
        using LocalBackend backend = fixture.Open();
        RawFiles.Delete(path);
        UnreadableKey key = Assert.Single(backend.Unreadable);
        Assert.Equal("\uFFFD.key", key.Name);
        Assert.Equal(KeyFileVerdict.FileNameNotUnicode.Sentence(), key.Reason);
    }

    [Fact]
    public async Task CreatedKey_IsServed_AndReadAgain()
    {
        using LocalFixture fixture = new();
        byte[] blob;
        using (LocalBackend backend = fixture.Open())
        {
            KeyDescription made = await backend.CreateAsync("rotation-2024-09", "quarterly", ("owner", "storage"), ("name", "x"));
            Assert.Equal(made, (await backend.FindAsync("rotation-2024-09")).Key);
            (_, _, blob) = await backend.WrapAsync("rotation-2024-09");
        }

        using LocalBackend again = fixture.Open();
        Assert.Equal(BackendCalls.DataKey, (await again.UnwrapAsync(blob)).Plaintext);
        KeyDescription key = (await again.FindAsync("rotation-2024-09")).Key!;
        Assert.Equal("quarterly", key.Description);
        Assert.Equal(["name", "owner"], key.Tags.Keys);
        Assert.Equal((KeyState.Enabled, 1u, "2026-01-02T03:04:05+00:00[UTC]"), (key.State, key.Version, key.CreatedAt));
    }

    [Fact]
    public async Task CreatedDirectory_IsRustFss()
    {
        using LocalFixture fixture = new();
        using LocalBackend backend = fixture.Open();
        await backend.CreateAsync("app-key", null, ("owner", "storage"));
        Assert.Equal([".master-key.salt", "app-key.key"], fixture.Names());
        Assert.Equal(16, new FileInfo(fixture.PathOf(".master-key.salt")).Length);
        Assert.All(
            fixture.Names(),
            name => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(fixture.PathOf(name))));

        string expected = LocalFixture.KnownRecord
            .Replace("\"metadata\": {}", "\"metadata\": {\n    \"owner\": \"storage\"\n  }", StringComparison.Ordinal)
            .Replace("2026-01-01T00:00:00", "2026-01-02T03:04:05", StringComparison.Ordinal);
        Assert.Equal(WithoutRandomness(expected), WithoutRandomness(File.ReadAllText(fixture.PathOf("app-key.key"))));
    }

    [Theory]
    [InlineData("../escape")]
    [InlineData(".hidden")]
    [InlineData("a/b")]
    [InlineData("")]
    public async Task IllegalId_IsRefused(string keyId)
    {
        using LocalFixture fixture = LocalFixture.Known();
        using LocalBackend backend = fixture.Open();
        Assert.Equal(KmsError.InvalidKeyId, await backend.CreateErrorAsync(keyId));
        Assert.Equal([".master-key.salt"], fixture.Names());
    }

    [Fact]
    public async Task FullDisk_RefusesTheKey_AndNothingElse()
    {
        using LocalFixture fixture = LocalFixture.Recorded();
        using LocalBackend backend = fixture.Open(new FailingSteps(new SystemFileSteps(), failAt: 2, Errno.NoSpace));
        KmsException e = await Assert.ThrowsAsync<KmsException>(() => backend.CreateAsync("new-key"));
        Assert.Equal(KmsError.StorageFailed, e.Error);
        Assert.Equal($"cannot create {fixture.PathOf("new-key.key")}: the disk is full; make room on it", e.Message);
        Assert.Equal(KmsError.KeyNotFound, (await backend.FindAsync("new-key")).Error);
        Assert.Equal(KmsError.None, (await backend.WrapAsync("app-key")).Error);
        await backend.CreateAsync("new-key");
        Assert.Equal(KmsError.None, (await backend.WrapAsync("new-key")).Error);
    }

    [Fact]
    public async Task List_IsPaged_InByteOrder()
    {
        using LocalFixture fixture = LocalFixture.Known();
        string[] ids = ["B", "a", "a.b", "aa", "\uFF21", "\U0001F600"];
        foreach (string id in ids)
        {
            fixture.Put($"{id}.key", LocalFixture.KnownRecord.Replace("\"app-key\"", $"\"{id}\"", StringComparison.Ordinal));
        }

        using LocalBackend backend = fixture.Open();
        List<string> listed = [];
        string? marker = null;
        do
        {
            (string[] page, marker) = await backend.ListAsync(marker, limit: 4);
            listed.AddRange(page);
        }
        while (marker is not null);
        Assert.Equal<string>(ids, listed);
        Assert.Equal("a.b", Assert.Single((await backend.ListAsync(marker: "a.a", limit: 1)).Ids));
    }

    [Fact]
    public async Task VersionOfARecord_IsThatOfItsBoundEnvelopes()
    {
        using LocalFixture fixture = LocalFixture.Known();
        fixture.Put("app-key.key", LocalFixture.KnownRecord.Replace("\"version\": 1,", "\"version\": 3,", StringComparison.Ordinal));
        using LocalBackend backend = fixture.Open();
        (_, uint version, byte[] blob) = await backend.WrapAsync("app-key");
        Assert.Equal(3u, version);
        Assert.Equal(BackendCalls.DataKey, (await backend.UnwrapAsync(blob)).Plaintext);
        Assert.Equal(LocalFixture.KnownDataKey, (await backend.UnwrapAsync(Encoding.UTF8.GetBytes(LocalFixture.KnownEnvelope))).Plaintext);
    }

    [Fact]
    public void LooseDirectory_IsNarrowedAndReported()
    {
        using LocalFixture fixture = LocalFixture.Known();
        File.SetUnixFileMode(fixture.FullPath, DurableDirectory.PrivateMode | UnixFileMode.GroupRead | UnixFileMode.GroupExecute);
        using LocalBackend backend = fixture.Open();
        Assert.Equal($"the permissions of {fixture.FullPath} were 0750 and are now 0700", Assert.Single(fixture.Notices));
        Assert.Equal(DurableDirectory.PrivateMode, File.GetUnixFileMode(fixture.FullPath));
    }

    [Fact]
    public async Task PlaintextKey_IsServed_AndReported()
    {
        using LocalFixture fixture = LocalFixture.Known();
        int material = LocalFixture.KnownRecord.IndexOf("\"encrypted_key_material\"", StringComparison.Ordinal);
        fixture.Put("app-key.key", LocalFixture.KnownRecord[..material] + """
            "encrypted_key_material": "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=", "nonce": [],
            "at_rest_protection": "plaintext-dev-only"}
            """);
        using LocalBackend backend = fixture.Open();
        Assert.StartsWith("the material in app-key.key is not encrypted", Assert.Single(fixture.Notices), StringComparison.Ordinal);
        Assert.Equal(LocalFixture.KnownDataKey, (await backend.UnwrapAsync(Encoding.UTF8.GetBytes(LocalFixture.KnownEnvelope))).Plaintext);
    }

    [Fact]
    public void Directory_BelongsToOneProcess_AndToAllItsSnapshots()
    {
        using LocalFixture fixture = LocalFixture.Known();
        LocalBackend old = fixture.Open();
        fixture.Put($"in-flight.tmp-{Uuid}", "a key that the old snapshot is just creating");
        LocalBackend fresh = fixture.Open();
        Assert.Contains($"in-flight.tmp-{Uuid}", fixture.Names());
        old.Dispose();
        Assert.Throws<KmsException>(() => fixture.Open(locks: new DirectoryLocks()));
        fresh.Dispose();
        fixture.Open(locks: new DirectoryLocks()).Dispose();
        Assert.Equal([".master-key.salt"], fixture.Names());
    }

    [Fact]
    public async Task Health_SaysThatTheDirectoryIsGone()
    {
        using LocalFixture fixture = LocalFixture.Known();
        using LocalBackend backend = fixture.Open();
        await backend.CheckHealthAsync(TestContext.Current.CancellationToken);
        Directory.Move(fixture.FullPath, fixture.FullPath + ".moved");
        KmsException e = await Assert.ThrowsAsync<KmsException>(
            async () => await backend.CheckHealthAsync(TestContext.Current.CancellationToken));
        Directory.Move(fixture.FullPath + ".moved", fixture.FullPath);
        Assert.Equal($"cannot list {fixture.FullPath}: it does not exist", e.Message);
    }

    [Fact]
    public async Task Dispose_WipesTheKeys()
    {
        using LocalFixture fixture = LocalFixture.Recorded();
        LocalBackend backend = fixture.Open();
        backend.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => backend.WrapAsync("app-key"));
    }

    private static bool Names(RecordedDataKey key, string keyId) =>
        Envelope.TryParse(key.Blob, out Envelope? envelope) && envelope.MasterKeyId == keyId;

    private static Dictionary<string, (string Content, DateTime Changed)> Snapshot(LocalFixture fixture) => fixture.Names().ToDictionary(
        name => name,
        name => (Convert.ToHexString(File.ReadAllBytes(fixture.PathOf(name))), File.GetLastWriteTimeUtc(fixture.PathOf(name))));

    /// <summary>The record with its random base64 and numbers made equal.</summary>
    private static string WithoutRandomness(string record) => string.Join('\n', record.Split('\n').Select(line =>
        line.Contains("encrypted_key_material", StringComparison.Ordinal) ? $"material of {line.Length}"
        : line.StartsWith("    ", StringComparison.Ordinal) && char.IsAsciiDigit(line[4]) ? (line.EndsWith(',') ? "    n," : "    n")
        : line));
}
