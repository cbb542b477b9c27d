using System.Security.Cryptography;
using System.Text.Json;
using KmsSidecar.Backends.Local;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using Org.BouncyCastle.Crypto.Generators;
using Org.BouncyCastle.Crypto.Parameters;
using Xunit;

namespace KmsSidecar.Tests.Backends;

/// <summary>A directory whose keys were rotated and changed here is still one that RustFS starts with, by an independent reading of its rules:
/// one bad record, and the whole server would exit.</summary>
public sealed class RustFsReadabilityTests
{
    private static readonly string[] Required =
        ["key_id", "version", "algorithm", "usage", "status", "metadata", "created_at", "encrypted_key_material", "nonce"];

    [Fact]
    public async Task ChangedAndRotatedDirectory_IsReadableByRustFs_AndWhatItRecordedOpens()
    {
        using LocalFixture fixture = LocalFixture.Recorded();
        byte[] master = Argon2(fixture);
        Dictionary<string, byte[]> before = Materials(fixture, master);
        using (LocalBackend backend = fixture.Open())
        {
            foreach (string id in (string[])["a.b", "app-key", "unicode-key"])
            {
                await backend.RotateAsync(id);
                await backend.RotateAsync(id);
            }

            await backend.ChangeAsync("app-key", new KeyChange.Disable());
            await backend.ChangeAsync("app-key", new KeyChange.ScheduleDeletion(DateTimeOffset.UnixEpoch));
            await backend.ChangeAsync("disabled-key", new KeyChange.Enable());
            await backend.ChangeAsync("pending-key", new KeyChange.CancelDeletion());
            await backend.ChangeAsync("unicode-key", new KeyChange.Tag(Tags.None.Add("ключ", "\"1\"\n")));
            foreach (RecordedDataKey key in RecordedKeys.LocalDataKeys)
            {
                Assert.Equal(key.Plaintext, (await backend.UnwrapAsync(key.Blob, key.Context)).Plaintext);
            }
        }

        Assert.Equal(before, Materials(fixture, master));
        Assert.All(fixture.Names().Where(static name => !name.EndsWith(".key", StringComparison.Ordinal) && !name.StartsWith('.')), static name =>
        {
            Assert.True(KeyVersionFile.TryParseName(name, out _, out _), name);
            Assert.DoesNotContain(".tmp-", name, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task RustFs_OpensWhatTheFirstVersionWrapped_AndFailsCleanlyOnLaterOnes()
    {
        using LocalFixture fixture = LocalFixture.Recorded();
        byte[] material = Materials(fixture, Argon2(fixture))["app-key"];
        using LocalBackend backend = fixture.Open();
        byte[] first = (await backend.WrapAsync("app-key", EnvelopeForm.RustFs)).Blob;
        await backend.RotateAsync("app-key");
        byte[] second = (await backend.WrapAsync("app-key", EnvelopeForm.RustFs)).Blob;

        Assert.Equal(BackendCalls.DataKey, Unwrap(material, first));
        Assert.Throws<AuthenticationTagMismatchException>(() => Unwrap(material, second));
        Assert.Equal(KmsError.None, (await backend.UnwrapAsync(second)).Error);
    }

    /// <summary>Every record, read as RustFS reads it at its start; the material of each key.</summary>
    private static Dictionary<string, byte[]> Materials(LocalFixture fixture, byte[] master)
    {
        Dictionary<string, byte[]> materials = [];
        foreach (string name in fixture.Names().Where(static name => name.EndsWith(".key", StringComparison.Ordinal)))
        {
            using JsonDocument record = JsonDocument.Parse(File.ReadAllText(fixture.PathOf(name)));
            JsonElement root = record.RootElement;
            Assert.All(Required, member => Assert.True(root.TryGetProperty(member, out _), $"{name}: {member}"));
            Assert.Equal(1, root.GetProperty("format_version").GetInt32());
            Assert.Equal(name, $"{root.GetProperty("key_id").GetString()}.key");
            Assert.Contains(root.GetProperty("status").GetString(), (string[])["Active", "Disabled", "PendingDeletion", "Deleted"]);
            Assert.Equal("encrypted-master-key", root.GetProperty("at_rest_protection").GetString());
            materials[name[..^4]] = Open(
                master, [.. root.GetProperty("nonce").EnumerateArray().Select(static n => n.GetByte())], root.GetProperty("encrypted_key_material").GetBytesFromBase64());
        }

        return materials;
    }

    private static byte[] Unwrap(byte[] material, byte[] blob)
    {
        using JsonDocument envelope = JsonDocument.Parse(blob);
        byte[] Numbers(string member) => [.. envelope.RootElement.GetProperty(member).EnumerateArray().Select(static n => n.GetByte())];
        return Open(material, Numbers("nonce"), Numbers("encrypted_key"));
    }

    private static byte[] Open(byte[] key, byte[] nonce, byte[] @sealed)
    {
        using AesGcm cipher = new(key, 16);
        byte[] plaintext = new byte[@sealed.Length - 16];
        cipher.Decrypt(nonce, @sealed.AsSpan(0, plaintext.Length), @sealed.AsSpan(plaintext.Length), plaintext);
        return plaintext;
    }

    /// <summary>RustFS's derivation with its parameters stated anew; MasterKeyDerivationTests hold the library to known answers.</summary>
    private static byte[] Argon2(LocalFixture fixture)
    {
        Argon2BytesGenerator argon2 = new();
        argon2.Init(new Argon2Parameters.Builder(Argon2Parameters.Argon2id)
            .WithVersion(Argon2Parameters.Version13)
            .WithMemoryAsKB(19456)
            .WithIterations(2)
            .WithParallelism(1)
            .WithSalt(File.ReadAllBytes(fixture.PathOf(".master-key.salt")))
            .Build());
        using SecretBytes password = RecordedKeys.LocalMasterKey();
        byte[] master = new byte[32];
        argon2.GenerateBytes(password.Span.ToArray(), master);
        return master;
    }
}
