using System.Collections.Concurrent;
using System.Text;
using KmsSidecar.Backends.Local;
using KmsSidecar.Crypto;
using KmsSidecar.Keys;
using Xunit;

namespace KmsSidecar.Tests.Backends;

public sealed class KeyFileTests
{
    private const string Record = LocalFixture.KnownRecord;
    private const string Marker = ",\n  \"at_rest_protection\": \"encrypted-master-key\"";
    private const string Material = "\"lTnl2Ut725sFxHpWPfGm9d9LGwnaxDFFlkelwbBUF4FUpvDMIVSHHBXzu/5ge2vf\"";

    /// <summary>Material 0x42 × 32 under the SHA-256 of old RustFS builds and the master key <c>beta5-test-master-key</c>.</summary>
    private const string LegacyMaterial = "\"xjwGa4Lj4qzKg6XQl8s2btyFkPHPChMAkjqs268TFGyvFUv8WjDD5HQCUDLViZmt\"";

    /// <summary>One for each master key, since each takes Argon2id's time.</summary>
    private static readonly ConcurrentDictionary<string, Lazy<MaterialCipher>> Ciphers = new();

    public static TheoryData<string> RecordedFiles =>
        [.. Directory.GetFiles(RecordedKeys.LocalDirectory, "*.key").Select(file => Path.GetFileName(file))];

    /// <summary>What is put in the place of what, and the verdict.</summary>
    public static TheoryData<string, string, string> Changes => new()
    {
        { "\"format_version\": 1", "\"format_version\": 2", nameof(KeyFileVerdict.UnsupportedFormatVersion) },
        { "\"format_version\": 1", "\"format_version\": 0", nameof(KeyFileVerdict.Good) },
        { "\"format_version\": 1,", "", nameof(KeyFileVerdict.Good) },
        { "\"format_version\": 1", "\"format_version\": null", nameof(KeyFileVerdict.MaterialCorrupt) },
        { "\"format_version\": 1", "\"format_version\": \"1\"", nameof(KeyFileVerdict.MaterialCorrupt) },
        { "\"format_version\": 1", "\"format_version\": -1", nameof(KeyFileVerdict.MaterialCorrupt) },
        { "\"format_version\": 1", "\"format_version\": 1.0", nameof(KeyFileVerdict.MaterialCorrupt) },

        // A later format may look in any way; that it is later is what the operator must hear.
        { Record, """{"format_version": 2, "at_rest_protection": null, "nonce": "x"}""", nameof(KeyFileVerdict.UnsupportedFormatVersion) },
        { "encrypted-master-key", "quantum-sealed", nameof(KeyFileVerdict.UnknownProtection) },
        { "encrypted-master-key", new string('x', 200), nameof(KeyFileVerdict.UnknownProtection) },
        { "\"encrypted-master-key\"", "{\"kind\": [1]}", nameof(KeyFileVerdict.UnknownProtection) },
        { "\"encrypted-master-key\"", "null", nameof(KeyFileVerdict.MaterialCorrupt) },
        { Record, "", nameof(KeyFileVerdict.MaterialCorrupt) },
        { Record, "not JSON", nameof(KeyFileVerdict.MaterialCorrupt) },
        { Record, "[]", nameof(KeyFileVerdict.MaterialCorrupt) },
        { Record, "{}", nameof(KeyFileVerdict.MaterialCorrupt) },
        { Record, Record + "{}", nameof(KeyFileVerdict.MaterialCorrupt) },
        { Record, Record[..300], nameof(KeyFileVerdict.MaterialCorrupt) },
        { "\"version\": 1,", "\"version\": 1, \"version\": 1,", nameof(KeyFileVerdict.MaterialCorrupt) },
        { "\"version\": 1,", "", nameof(KeyFileVerdict.MaterialCorrupt) },
        { "\"version\": 1", "\"version\": 3", nameof(KeyFileVerdict.Good) },
        { "\"Active\"", "\"Asleep\"", nameof(KeyFileVerdict.MaterialCorrupt) },
        { "\"EncryptDecrypt\"", "\"Encrypt\"", nameof(KeyFileVerdict.MaterialCorrupt) },
        { "\"metadata\": {}", "\"metadata\": {\"a\": 1}", nameof(KeyFileVerdict.MaterialCorrupt) },
        { "\"metadata\": {}", "\"metadata\": null", nameof(KeyFileVerdict.MaterialCorrupt) },
        { "\"description\": null", "\"description\": \"\\ud800\"", nameof(KeyFileVerdict.MaterialCorrupt) },
        { "\"description\": null,", "", nameof(KeyFileVerdict.Good) },
        { "2026-01-01T00:00:00+00:00[UTC]", "yesterday", nameof(KeyFileVerdict.MaterialCorrupt) },
        { "2026-01-01T00:00:00+00:00[UTC]", "2026-01-01T00:00:00Z", nameof(KeyFileVerdict.Good) },
        { Material, "\"\"", nameof(KeyFileVerdict.MaterialMissing) },
        { Material, "[1,2]", nameof(KeyFileVerdict.MaterialCorrupt) },
        { Material, "\"!!!\"", nameof(KeyFileVerdict.MaterialCorrupt) },
        { "zu/5ge2vf", "zu\\/5ge2vf", nameof(KeyFileVerdict.Good) },
        { "lTnl2Ut725sF", "lTnl2Ut7 25sF", nameof(KeyFileVerdict.MaterialCorrupt) },
        { ",\n    11", "", nameof(KeyFileVerdict.MaterialCorrupt) },
        { "    11", "    256", nameof(KeyFileVerdict.MaterialCorrupt) },
        { "    11", "    12", nameof(KeyFileVerdict.MaterialAuthenticationFailed) },
        { "lTnl", "lTnm", nameof(KeyFileVerdict.MaterialAuthenticationFailed) },
        { Material, "\"lTnl\"", nameof(KeyFileVerdict.MaterialAuthenticationFailed) },
        { "\"app-key\"", "\"other-key\"", nameof(KeyFileVerdict.KeyIdMismatch) },
        { "\"version\": 1,", "\"version\": 1, \"future_field\": {\"a\": [1, {}]},", nameof(KeyFileVerdict.Good) },
        { Marker, "", nameof(KeyFileVerdict.Good) },
        { "encrypted-master-key", "legacy-unspecified", nameof(KeyFileVerdict.Good) },
        { "encrypted-master-key", "plaintext-dev-only", nameof(KeyFileVerdict.MaterialCorrupt) },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void ChangedRecord_HasItsVerdict(string old, string @new, string verdict)
    {
        string changed = Record.Replace(old, @new, StringComparison.Ordinal);
        Assert.NotEqual(Record, changed);
        Assert.Equal(verdict, Verdict(changed, LocalFixture.KnownMasterKey).ToString());
    }

    [Fact]
    public void InvalidUtf8_IsCorrupt()
    {
        byte[] record = Encoding.UTF8.GetBytes(Record);
        record[Record.IndexOf("AES_256", StringComparison.Ordinal)] = 0xff;
        Assert.Equal(KeyFileVerdict.MaterialCorrupt, KeyFile.TryRead(record, "app-key", out KeyFile? file));
        Assert.Null(file);
    }

    [Fact]
    public void KnownRecord_HoldsTheKnownKey()
    {
        using SecretBytes material = Open(Record, LocalFixture.KnownMasterKey);
        AssertIs42(material);
    }

    [Fact]
    public void LegacyRecord_OpensUnderTheOldDerivation()
    {
        string legacy = Record.Replace(Marker, "", StringComparison.Ordinal).Replace(Material, LegacyMaterial, StringComparison.Ordinal);
        using SecretBytes material = Open(legacy, "beta5-test-master-key");
        AssertIs42(material);
    }

    [Fact]
    public void MarkedRecord_DoesNotFallBackToTheOldDerivation()
    {
        string marked = Record.Replace(Material, LegacyMaterial, StringComparison.Ordinal);
        Assert.Equal(KeyFileVerdict.MaterialAuthenticationFailed, Verdict(marked, "beta5-test-master-key"));
    }

    [Theory]
    [InlineData("\"at_rest_protection\": \"plaintext-dev-only\"")]
    [InlineData("\"at_rest_protection\": \"legacy-unspecified\"")]
    [InlineData("\"created_by\": null")]
    public void PlaintextRecord_HoldsTheKeyItself(string marker)
    {
        int nonce = Record.IndexOf("\"nonce\"", StringComparison.Ordinal);
        string plain = Record[..nonce].Replace(Material, "\"QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=\"", StringComparison.Ordinal)
            .Replace("\"created_by\": \"local-kms\",", "", StringComparison.Ordinal) + $"\"nonce\": [], {marker}}}";
        using SecretBytes material = Open(plain, "any");
        AssertIs42(material);
    }

    [Theory]
    [MemberData(nameof(RecordedFiles))]
    public void RecordedFile_IsWrittenAsItWasRead(string name)
    {
        byte[] recorded = File.ReadAllBytes(Path.Join(RecordedKeys.LocalDirectory, name));
        Assert.Equal(KeyFileVerdict.Good, KeyFile.TryRead(recorded, Path.GetFileNameWithoutExtension(name), out KeyFile? file));
        using (file)
        {
            Assert.Equal(Encoding.UTF8.GetString(recorded), Text(file!));
        }
    }

    [Fact]
    public void AllRecordedFiles_AreThere() => Assert.Equal(6, RecordedFiles.Count);

    [Fact]
    public void UnknownMembers_AreKept()
    {
        string record = Record[..^2] + """
            ,
              "future": {"a": [ 1, "\u0041" ]},
              "future": 1e400
            }
            """;
        Assert.Equal(KeyFileVerdict.Good, KeyFile.TryRead(Encoding.UTF8.GetBytes(record), "app-key", out KeyFile? file));
        using (file)
        {
            Assert.Equal(record, Text(file!));
        }
    }

    [Fact]
    public void Texts_AreEscapedAsRustDoes()
    {
        const string Escaped = "\\\"\\\\\\b\\t\\n\\f\\r\\u0001\\u001f/<>&'+\u007f\u2028é😀";
        string record = Record
            .Replace("\"description\": null", $"\"description\": \"{Escaped}\"", StringComparison.Ordinal)
            .Replace("\"metadata\": {}", "\"metadata\": {\n    \"z\\n\": \"1\",\n    \"a\": \"\"\n  }", StringComparison.Ordinal);
        Assert.Equal(KeyFileVerdict.Good, KeyFile.TryRead(Encoding.UTF8.GetBytes(record), "app-key", out KeyFile? file));
        using (file)
        {
            Assert.Equal(record, Text(file!));
            Assert.Equal(["a", "z\n"], file!.Describe().Tags.Keys);
        }
    }

    [Theory]
    [InlineData("Active", nameof(KeyState.Enabled))]
    [InlineData("Disabled", nameof(KeyState.Disabled))]
    [InlineData("PendingDeletion", nameof(KeyState.PendingDeletion))]
    [InlineData("Deleted", nameof(KeyState.Unavailable))]
    public void Status_IsState(string status, string state)
    {
        string record = Record.Replace("Active", status, StringComparison.Ordinal);
        Assert.Equal(KeyFileVerdict.Good, KeyFile.TryRead(Encoding.UTF8.GetBytes(record), "app-key", out KeyFile? file));
        using (file)
        {
            Assert.Equal(state, file!.Describe().State.ToString());
            Assert.Equal(record, Text(file));
        }
    }

    [Fact]
    public void EveryVerdict_HasASentence() =>
        Assert.All(Enum.GetValues<KeyFileVerdict>(), verdict => Assert.NotEmpty(verdict.Sentence()));

    private static KeyFileVerdict Verdict(string record, string masterKey)
    {
        KeyFileVerdict verdict = Read(record, masterKey, out SecretBytes? material);
        material?.Dispose();
        return verdict;
    }

    private static SecretBytes Open(string record, string masterKey)
    {
        Assert.Equal(KeyFileVerdict.Good, Read(record, masterKey, out SecretBytes? material));
        return material!;
    }

    private static KeyFileVerdict Read(string record, string masterKey, out SecretBytes? material)
    {
        material = null;
        KeyFileVerdict verdict = KeyFile.TryRead(Encoding.UTF8.GetBytes(record), "app-key", out KeyFile? file);
        Assert.Equal(verdict == KeyFileVerdict.Good, file is not null);
        using (file)
        {
            return file is null ? verdict : CipherOf(masterKey).TryOpen(file, out material);
        }
    }

    private static MaterialCipher CipherOf(string masterKey) => Ciphers.GetOrAdd(masterKey, static text => new Lazy<MaterialCipher>(() =>
    {
        using SecretBytes secret = LocalFixture.Secret(text);
        return new MaterialCipher(secret, LocalFixture.KnownSalt, MasterKeyDerivation.Argon2Id);
    })).Value;

    private static string Text(KeyFile file)
    {
        using SecretBuffer content = file.ToUtf8();
        return Encoding.UTF8.GetString(content.WrittenSpan);
    }

    private static void AssertIs42(SecretBytes material) => Assert.Equal(Enumerable.Repeat((byte)0x42, 32), material.Span.ToArray());
}
