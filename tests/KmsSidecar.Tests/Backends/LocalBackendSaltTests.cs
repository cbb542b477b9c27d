using System.Text;
using KmsSidecar.Backends.Local;
using KmsSidecar.Errors;
using KmsSidecar.Storage;
using Xunit;

namespace KmsSidecar.Tests.Backends;

public sealed class LocalBackendSaltTests
{
    private const string Salt = ".master-key.salt";

    /// <summary>Written under the SHA-256 derivation of old RustFS builds: it never needed a salt.</summary>
    private static readonly string LegacyRecord = LocalFixture.KnownRecord
        .Replace(",\n  \"at_rest_protection\": \"encrypted-master-key\"", "", StringComparison.Ordinal)
        .Replace(
            "lTnl2Ut725sFxHpWPfGm9d9LGwnaxDFFlkelwbBUF4FUpvDMIVSHHBXzu/5ge2vf",
            "xjwGa4Lj4qzKg6XQl8s2btyFkPHPChMAkjqs268TFGyvFUv8WjDD5HQCUDLViZmt",
            StringComparison.Ordinal);

    [Fact]
    public void EmptyDirectory_GetsASalt_Once()
    {
        using LocalFixture fixture = new();
        using (LocalBackend backend = fixture.Open())
        {
            Assert.Contains(Salt, Assert.Single(fixture.Notices), StringComparison.Ordinal);
        }

        byte[] salt = File.ReadAllBytes(fixture.PathOf(Salt));
        Assert.Equal(16, salt.Length);
        Assert.NotEqual(new byte[16], salt);
        using LocalBackend again = fixture.Open();
        Assert.Empty(fixture.Notices);
        Assert.Equal(salt, File.ReadAllBytes(fixture.PathOf(Salt)));
    }

    [Fact]
    public async Task LegacyRecords_GetASalt_AndKeepOpening()
    {
        using LocalFixture fixture = new("beta5-test-master-key");
        fixture.Put("app-key.key", LegacyRecord);
        using LocalBackend backend = fixture.Open();
        Assert.Equal([Salt, "app-key.key"], fixture.Names());
        Assert.Equal(LegacyRecord, File.ReadAllText(fixture.PathOf("app-key.key")));
        Assert.Equal(LocalFixture.KnownDataKey, (await backend.UnwrapAsync(Encoding.UTF8.GetBytes(LocalFixture.KnownEnvelope))).Plaintext);
    }

    [Theory]
    [InlineData(LocalFixture.KnownRecord)]
    [InlineData("not a record")]
    [InlineData("""{"format_version": 2}""")]
    [InlineData("""{"at_rest_protection": "quantum-sealed"}""")]
    public void LostSalt_IsNeverInvented(string record)
    {
        using LocalFixture fixture = new("beta5-test-master-key");
        fixture.Put("legacy.key", LegacyRecord.Replace("\"app-key\"", "\"legacy\"", StringComparison.Ordinal));
        fixture.Put("app-key.key", record);
        string message = Refusal(fixture);
        Assert.Contains($"{fixture.PathOf(Salt)} is missing, and app-key.key may need it", message, StringComparison.Ordinal);
        Assert.Equal(["app-key.key", "legacy.key"], fixture.Names());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(15)]
    [InlineData(17)]
    public void SaltOfAnotherLength_IsRefused(int length)
    {
        using LocalFixture fixture = new();
        fixture.Put(Salt, new byte[length]);
        Assert.Contains($"has {length} bytes instead of 16", Refusal(fixture), StringComparison.Ordinal);
        Assert.Equal(length, new FileInfo(fixture.PathOf(Salt)).Length);
    }

    [Fact]
    public void UnfinishedRestore_IsRefused_AndLetsTheDirectoryGo()
    {
        using LocalFixture fixture = LocalFixture.Known();
        fixture.Put(".restore-commit.json", "{}");
        Assert.Contains("unfinished restore", Refusal(fixture), StringComparison.Ordinal);
        File.Delete(fixture.PathOf(".restore-commit.json"));
        fixture.Open(locks: new DirectoryLocks()).Dispose();
    }

    private static string Refusal(LocalFixture fixture)
    {
        KmsException e = Assert.Throws<KmsException>(() => fixture.Open());
        Assert.Equal(KmsError.InvalidConfiguration, e.Error);
        return e.Message;
    }
}
