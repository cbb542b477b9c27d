using System.Text;
using KmsSidecar.Backends.Local;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using Xunit;

namespace KmsSidecar.Tests.Backends;

public sealed class LocalBackendRotationTests : IDisposable
{
    private const string Key = "app-key";

    private readonly LocalFixture _fixture = LocalFixture.Known();

    public LocalBackendRotationTests() => _fixture.Put("app-key.key", LocalFixture.KnownRecord);

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [InlineData(nameof(EnvelopeForm.Bound))]
    [InlineData(nameof(EnvelopeForm.RustFs))]
    public async Task EveryVersion_OpensItsOwn_AlsoAfterAReopening(string name)
    {
        EnvelopeForm form = Enum.Parse<EnvelopeForm>(name);
        List<byte[]> given = [Encoding.UTF8.GetBytes(LocalFixture.KnownEnvelope)];
        using (LocalBackend backend = _fixture.Open())
        {
            for (uint version = 1; version <= 4; version++)
            {
                (KmsError error, uint used, byte[] blob) = await backend.WrapAsync(Key, form);
                Assert.Equal((KmsError.None, version), (error, used));
                given.Add(blob);
                KeyDescription rotated = await backend.RotateAsync(Key);
                Assert.Equal(version + 1, rotated.Version);
                Assert.NotNull(rotated.RotatedAt);
            }

            await AssertAllOpenAsync(backend, given);
        }

        Assert.Equal([".master-key.salt", "app-key.key", "app-key.v2", "app-key.v3", "app-key.v4", "app-key.v5"], _fixture.Names());
        using LocalBackend again = _fixture.Open();
        await AssertAllOpenAsync(again, given);
        Assert.Equal(5u, (await again.FindAsync(Key)).Key!.Version);
    }

    [Fact]
    public async Task RustFsForm_NamesEveryVersionButTheFirst()
    {
        using LocalBackend backend = _fixture.Open();
        Assert.DoesNotContain("master_key_version", await WrapAsync(backend), StringComparison.Ordinal);
        await backend.RotateAsync(Key);
        Assert.Contains("\"master_key_version\":2", await WrapAsync(backend), StringComparison.Ordinal);
    }

    [Fact]
    public async Task NumberOfARecordThatOldRustFsCountedUp_IsItsFirst()
    {
        _fixture.Put("app-key.key", LocalFixture.KnownRecord.Replace("\"version\": 1", "\"version\": 7", StringComparison.Ordinal));
        using LocalBackend backend = _fixture.Open();
        byte[] blob = (await backend.WrapAsync(Key)).Blob;
        Assert.Equal(8u, (await backend.RotateAsync(Key)).Version);
        await AssertAllOpenAsync(backend, [blob, Encoding.UTF8.GetBytes(LocalFixture.KnownEnvelope)]);
        Assert.Equal(7u, (await backend.UnwrapAsync(blob)).Version);
    }

    [Fact]
    public async Task FileThatDoesNotOpen_IsPassedOver_AndNeverWrittenOver()
    {
        _fixture.Put("app-key.v2", "left by something else");
        using (LocalBackend backend = _fixture.Open())
        {
            Assert.Equal("app-key.v2", Assert.Single(backend.Unreadable).Name);
            Assert.Equal(3u, (await backend.RotateAsync(Key)).Version);
        }

        Assert.Equal("left by something else", File.ReadAllText(_fixture.PathOf("app-key.v2")));
        using LocalBackend again = _fixture.Open();
        Assert.Equal(3u, (await again.WrapAsync(Key)).Version);
        Assert.Equal(LocalFixture.KnownDataKey, (await again.UnwrapAsync(Encoding.UTF8.GetBytes(LocalFixture.KnownEnvelope))).Plaintext);
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("cut short")]
    [InlineData("changed")]
    public async Task NewestVersionThatIsDamaged_StopsWrapping_AndNothingElse(string how)
    {
        byte[] first;
        using (LocalBackend backend = _fixture.Open())
        {
            first = (await backend.WrapAsync(Key)).Blob;
            await backend.RotateAsync(Key);
        }

        Damage(_fixture.PathOf("app-key.v2"), how);
        using LocalBackend again = _fixture.Open();

        Assert.Equal(KmsError.KeyDamaged, (await again.WrapAsync(Key)).Error);
        Assert.Equal("app-key.v2", Assert.Single(again.Unreadable).Name);
        await AssertAllOpenAsync(again, [first]);
    }

    [Fact]
    public async Task VersionsOfARemovedKey_DoNotAttachToANewOne()
    {
        byte[] second;
        using (LocalBackend backend = _fixture.Open())
        {
            await backend.RotateAsync(Key);
            second = (await backend.WrapAsync(Key)).Blob;
        }

        string record = File.ReadAllText(_fixture.PathOf("app-key.key"));
        File.Delete(_fixture.PathOf("app-key.key"));
        using (LocalBackend backend = _fixture.Open())
        {
            Assert.Contains("app-key.v", Assert.Single(_fixture.Notices), StringComparison.Ordinal);
            Assert.Equal(KmsError.KeyExists, await backend.CreateErrorAsync(Key));
            await backend.CreateAsync("other");
        }

        // Another program makes a key of that name.
        File.WriteAllText(_fixture.PathOf("app-key.key"), File.ReadAllText(_fixture.PathOf("other.key")).Replace("other", Key, StringComparison.Ordinal));
        using (LocalBackend backend = _fixture.Open())
        {
            Assert.Equal(KmsError.InvalidCiphertext, (await backend.UnwrapAsync(second)).Error);
            Assert.Contains("belongs to another key", Assert.Single(backend.Unreadable).Reason, StringComparison.Ordinal);
        }

        // The backup comes back, and with it everything.
        File.WriteAllText(_fixture.PathOf("app-key.key"), record);
        using LocalBackend restored = _fixture.Open();
        await AssertAllOpenAsync(restored, [second]);
    }

    [Fact]
    public async Task HighVersionsOfARemovedKey_DoNotStopANewOneFromWrapping()
    {
        _fixture.Put("app-key.key", LocalFixture.KnownRecord.Replace("\"version\": 1", "\"version\": 7", StringComparison.Ordinal));
        using (LocalBackend backend = _fixture.Open())
        {
            await backend.RotateAsync(Key);
            await backend.CreateAsync("other");
        }

        // Another program removes the key and makes one of that name.
        _fixture.Put("app-key.key", File.ReadAllText(_fixture.PathOf("other.key")).Replace("other", Key, StringComparison.Ordinal));
        using LocalBackend again = _fixture.Open();

        Assert.Equal("app-key.v8", Assert.Single(again.Unreadable).Name);
        (KmsError error, uint version, byte[] blob) = await again.WrapAsync(Key);
        Assert.Equal((KmsError.None, 1u), (error, version));
        Assert.Equal(2u, (await again.RotateAsync(Key)).Version);
        await AssertAllOpenAsync(again, [blob]);
    }

    [Fact]
    public async Task OlderVersionThatIsGone_IsNamed_AndTheOthersAreUsed()
    {
        List<byte[]> given = [];
        using (LocalBackend backend = _fixture.Open())
        {
            given.Add((await backend.WrapAsync(Key)).Blob);
            await backend.RotateAsync(Key);
            await backend.RotateAsync(Key);
            given.Add((await backend.WrapAsync(Key)).Blob);
        }

        File.Delete(_fixture.PathOf("app-key.v2"));
        using LocalBackend again = _fixture.Open();

        Assert.Equal("app-key.v2", Assert.Single(again.Unreadable).Name);
        Assert.Equal(3u, (await again.WrapAsync(Key)).Version);
        await AssertAllOpenAsync(again, given);
    }

    [Fact]
    public async Task FileThatAppearedAfterOpen_IsPassedOver_AndGoesWithItsKey()
    {
        using LocalBackend backend = _fixture.Open();
        _fixture.Put("app-key.v2", "left by a rotation that failed");
        Assert.Equal(3u, (await backend.RotateAsync(Key)).Version);
        await backend.DestroyAsync(Key);

        Assert.Equal([".master-key.salt"], _fixture.Names());
    }

    [Fact]
    public async Task VersionFileOfAnotherKey_DoesNotOpen()
    {
        using (LocalBackend backend = _fixture.Open())
        {
            await backend.CreateAsync("other");
            await backend.RotateAsync(Key);
        }

        File.WriteAllText(
            _fixture.PathOf("other.v2"), File.ReadAllText(_fixture.PathOf("app-key.v2")).Replace(Key, "other", StringComparison.Ordinal));
        using LocalBackend again = _fixture.Open();
        Assert.Equal("other.v2", Assert.Single(again.Unreadable).Name);
    }

    [Fact]
    public async Task CancelledDeletion_ReturnsToDisabled_AlsoAfterAReopening()
    {
        using (LocalBackend backend = _fixture.Open())
        {
            await backend.ChangeAsync(Key, new KeyChange.Disable());
            await backend.ChangeAsync(Key, new KeyChange.ScheduleDeletion(_fixture.Clock.GetUtcNow().AddDays(7)));
        }

        using (LocalBackend again = _fixture.Open())
        {
            Assert.Equal(KeyState.PendingDeletion, (await again.FindAsync(Key)).Key!.State);
            KeyDescription back = await again.ChangeAsync(Key, new KeyChange.CancelDeletion());
            Assert.Equal((KeyState.Disabled, null), (back.State, back.DeletionDate));
        }

        Assert.DoesNotContain("kms_sidecar", File.ReadAllText(_fixture.PathOf("app-key.key")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatRustFsChangedMeanwhile_IsNotUndone()
    {
        using LocalBackend backend = _fixture.Open();
        _fixture.Put("app-key.key", LocalFixture.KnownRecord.Replace("\"description\": null", "\"description\": \"by RustFS\"", StringComparison.Ordinal));
        KeyDescription tagged = await backend.ChangeAsync(Key, new KeyChange.Tag(Tags.None.Add("a", "1")));
        Assert.Equal("by RustFS", tagged.Description);
        Assert.Contains("by RustFS", File.ReadAllText(_fixture.PathOf("app-key.key")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task DueKeys_AreThoseWhoseTimeHasCome_UnlessRustFsCancelled()
    {
        DateTimeOffset due = _fixture.Clock.GetUtcNow().AddDays(7);
        using LocalBackend backend = _fixture.Open();
        await backend.CreateAsync("later");
        await backend.ChangeAsync(Key, new KeyChange.ScheduleDeletion(due));
        await backend.ChangeAsync("later", new KeyChange.ScheduleDeletion(due.AddSeconds(1)));

        Assert.Empty(await backend.DueAsync(due.AddTicks(-1)));
        Assert.Equal([Key], await backend.DueAsync(due));
        Assert.Equal([Key, "later"], await backend.DueAsync(due.AddSeconds(1)));
        _fixture.Put("app-key.key", LocalFixture.KnownRecord);
        Assert.Equal(["later"], await backend.DueAsync(due.AddSeconds(1)));
        Assert.Equal(KmsError.None, (await backend.WrapAsync(Key)).Error);
    }

    [Fact]
    public async Task DestroyedKey_IsGone_AndItsNameIsFree()
    {
        using LocalBackend backend = _fixture.Open();
        await backend.RotateAsync(Key);
        byte[] blob = (await backend.WrapAsync(Key)).Blob;
        await backend.DestroyAsync(Key);

        Assert.False(await backend.HoldsAsync(Key));
        Assert.Equal(KmsError.KeyNotFound, (await backend.FindAsync(Key)).Error);
        Assert.Equal(KmsError.InvalidCiphertext, (await backend.UnwrapAsync(blob)).Error);
        Assert.Empty((await backend.ListAsync()).Ids);
        Assert.Equal([".master-key.salt"], _fixture.Names());
        await backend.CreateAsync(Key);
        Assert.Equal(KmsError.InvalidCiphertext, (await backend.UnwrapAsync(blob)).Error);
    }

    [Theory]
    [InlineData("a.v2", "a", 2u)]
    [InlineData("a.v2.v3", "a.v2", 3u)]
    [InlineData("a.v4294967295", "a", 4294967295u)]
    [InlineData("a.v1", null, 0u)]
    [InlineData("a.v02", null, 0u)]
    [InlineData("a.v+2", null, 0u)]
    [InlineData("a.v4294967296", null, 0u)]
    [InlineData(".v2", null, 0u)]
    [InlineData("a.v", null, 0u)]
    public void VersionFileNames(string name, string? keyId, uint version)
    {
        bool isOne = KeyVersionFile.TryParseName(name, out string parsedId, out uint parsed);
        Assert.Equal(keyId is not null, isOne);
        if (isOne)
        {
            Assert.Equal((keyId, version), (parsedId, parsed));
        }
    }

    private static async Task<string> WrapAsync(LocalBackend backend) =>
        Encoding.UTF8.GetString((await backend.WrapAsync(Key, EnvelopeForm.RustFs)).Blob);

    private static async Task AssertAllOpenAsync(LocalBackend backend, List<byte[]> given)
    {
        foreach (byte[] blob in given)
        {
            Assert.Equal(KmsError.None, (await backend.UnwrapAsync(blob)).Error);
        }
    }

    private static void Damage(string path, string how)
    {
        switch (how)
        {
            case "missing":
                File.Delete(path);
                break;
            case "cut short":
                File.WriteAllText(path, File.ReadAllText(path)[..^10]);
                break;
            default:
                string text = File.ReadAllText(path);
                int at = text.IndexOf("sealed_material", StringComparison.Ordinal) + "sealed_material\": \"".Length + 4;
                File.WriteAllText(path, $"{text[..at]}{(text[at] == 'A' ? 'B' : 'A')}{text[(at + 1)..]}");
                break;
        }
    }
}
