using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using KmsSidecar.Keys;
using Xunit;

namespace KmsSidecar.Tests.Keys;

public sealed class EnvelopeTests
{
    /// <summary>The fixture of RustFS's own tests, white space and all.</summary>
    private const string Plain = """
        {
            "key_id": "test-key-id",
            "master_key_id": "master-key-id",
            "key_spec": "AES_256",
            "encrypted_key": [1, 2, 3, 4],
            "nonce": [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
            "encryption_context": {"bucket": "test-bucket"},
            "created_at": "2024-01-01T00:00:00+00:00[UTC]"
        }
        """;

    public static TheoryData<string> RequiredNames =>
        ["key_id", "master_key_id", "key_spec", "encrypted_key", "nonce", "encryption_context", "created_at"];

    [Theory]
    [InlineData("2024-01-01T00:00:00+00:00[UTC]")]
    [InlineData("2024-01-01T00:00:00+00:00")]
    [InlineData("2024-01-01T00:00:00Z")]
    public void RustFsFixture_Parses(string createdAt)
    {
        Envelope envelope = Parse(Plain.Replace("2024-01-01T00:00:00+00:00[UTC]", createdAt));
        Assert.Equal("test-key-id", envelope.DataKeyId);
        Assert.Equal("master-key-id", envelope.MasterKeyId);
        Assert.Equal("AES_256", envelope.KeySpec);
        Assert.Equal([1, 2, 3, 4], envelope.EncryptedKey);
        Assert.Equal([5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], envelope.Nonce);
        Assert.Equal(EncryptionContextTests.Of(("bucket", "test-bucket")), envelope.Context);
        Assert.Equal(createdAt, envelope.CreatedAt);
        Assert.Null(envelope.MasterKeyVersion);
        Assert.Equal(EnvelopeForm.RustFs, envelope.Form);
    }

    [Fact]
    public void Version_IsOptionalAndRoundTrips()
    {
        Assert.DoesNotContain("master_key_version", Write(Parse(Plain)));
        Assert.Null(Parse(With("master_key_version", "null")).MasterKeyVersion);

        Envelope envelope = Parse(With("master_key_version", "7"));
        Assert.Equal(7u, envelope.MasterKeyVersion);
        Assert.EndsWith(",\"master_key_version\":7}", Write(envelope));
        Assert.Equal(7u, Parse(Write(envelope)).MasterKeyVersion);
        Assert.Equal(uint.MaxValue, Parse(With("master_key_version", "4294967295")).MasterKeyVersion);
    }

    [Fact]
    public void Classifier_FollowsRustFs()
    {
        Assert.True(IsEnvelope(Plain));
        Assert.True(IsEnvelope(With("master_key_version", "2")));
        Assert.True(IsEnvelope(" \n" + Plain));
        Assert.True(IsEnvelope(Plain + " \r\n\t"));
        Assert.True(IsEnvelope(With("unknown", "[{}]")));
        Assert.True(IsEnvelope(Plain.Replace("[1, 2, 3, 4]", "null").Replace("\"AES_256\"", "{\"key_spec\":1}")));
        Assert.True(IsEnvelope(With("form", "7")));

        Assert.False(IsEnvelope(With("key_id", "\"duplicate\"")));
        Assert.False(IsEnvelope(With("\\u006bey_id", "\"duplicate\"")));
        Assert.False(IsEnvelope("bm9uY2U=:Y2lwaGVydGV4dA=="));
        Assert.False(IsEnvelope("""{"aead":"AES-256-GCM-HMAC-SHA-256","iv":[1],"nonce":[2],"bytes":[3]}"""));
        Assert.False(IsEnvelope(""));
        Assert.False(IsEnvelope("[" + Plain + "]"));
        Assert.False(IsEnvelope(Plain + "x"));
        Assert.False(IsEnvelope(Plain + Plain));
        Assert.False(IsEnvelope("\f" + Plain));
        Assert.False(IsEnvelope("\ufeff" + Plain));
        Assert.False(IsEnvelope(Plain[..^1]));
    }

    [Theory]
    [MemberData(nameof(RequiredNames))]
    public void MissingMember_IsNoEnvelope(string name)
    {
        JsonObject json = JsonNode.Parse(Plain)!.AsObject();
        Assert.True(json.Remove(name));
        Assert.False(IsEnvelope(json.ToJsonString()));
        Assert.False(TryParse(json.ToJsonString()));
    }

    [Theory]
    [MemberData(nameof(RequiredNames))]
    public void NullMember_IsRefused(string name)
    {
        JsonObject json = JsonNode.Parse(Plain)!.AsObject();
        json[name] = null;
        Assert.True(IsEnvelope(json.ToJsonString()));
        Assert.False(TryParse(json.ToJsonString()));
    }

    [Theory]
    [InlineData("key_id", "1")]
    [InlineData("master_key_id", "[\"a\"]")]
    [InlineData("master_key_id", "\"\\ud800\"")]
    [InlineData("key_spec", "{}")]
    [InlineData("created_at", "1704067200")]
    [InlineData("encrypted_key", "\"AQIDBA==\"")]
    [InlineData("encrypted_key", "[256]")]
    [InlineData("encrypted_key", "[-1]")]
    [InlineData("encrypted_key", "[-0]")]
    [InlineData("encrypted_key", "[1.0]")]
    [InlineData("encrypted_key", "[1e0]")]
    [InlineData("encrypted_key", "[\"1\"]")]
    [InlineData("encrypted_key", "[[1]]")]
    [InlineData("encrypted_key", "[null]")]
    [InlineData("nonce", "{}")]
    [InlineData("nonce", "12")]
    [InlineData("encryption_context", "[]")]
    [InlineData("encryption_context", "\"\"")]
    [InlineData("encryption_context", "{\"a\":1}")]
    [InlineData("encryption_context", "{\"a\":\"1\",\"a\":\"1\"}")]
    [InlineData("encryption_context", "{\"a\":\"\\udc00\"}")]
    [InlineData("master_key_version", "-1")]
    [InlineData("master_key_version", "4294967296")]
    [InlineData("master_key_version", "1.0")]
    [InlineData("master_key_version", "\"1\"")]
    [InlineData("form", "\"bound-2\"")]
    [InlineData("form", "\"\"")]
    [InlineData("form", "null")]
    [InlineData("form", "1")]
    public void WrongType_IsRefused(string name, string value)
    {
        JsonObject json = JsonNode.Parse(Plain)!.AsObject();
        json.Remove(name);
        string members = json.ToJsonString()[..^1];
        Assert.False(TryParse($"{members},\"{name}\":{value}}}"));
    }

    [Theory]
    [InlineData("master_key_version", "1")]
    [InlineData("master_key_version", "null")]
    [InlineData("form", "\"bound-1\"")]
    [InlineData("key_id", "\"test-key-id\"")]
    [InlineData("nonce", "[]")]
    public void RepeatedMember_IsRefused(string name, string value) =>
        Assert.False(TryParse($"{Plain[..^1]},\"master_key_version\":1,\"form\":\"bound-1\",\"{name}\":{value}}}"));

    [Fact]
    public void BoundForm_NeedsItsVersion()
    {
        Assert.False(TryParse(With("form", "\"bound-1\"")));
        Assert.False(TryParse($"{Plain[..^1]},\"form\":\"bound-1\",\"master_key_version\":null}}"));

        Envelope envelope = Parse($"{Plain[..^1]},\"form\":\"bound-1\",\"master_key_version\":3}}");
        Assert.Equal(EnvelopeForm.Bound, envelope.Form);
        Assert.EndsWith(",\"master_key_version\":3,\"form\":\"bound-1\"}", Write(envelope));
        Assert.Equal(EnvelopeForm.Bound, Parse(Write(envelope)).Form);
        Assert.True(IsEnvelope(Write(envelope)));
    }

    [Fact]
    public void UnknownMembers_AreIgnored()
    {
        Envelope envelope = Parse(With("a", "[{\"key_id\":[1,{\"b\":null}]}]"));
        Assert.Equal(Write(Parse(Plain)), Write(envelope));
        Assert.True(TryParse($"{Plain[..^1]},\"a\":1,\"a\":2}}"));
    }

    [Fact]
    public void Depth_IsBounded()
    {
        static string Nested(int depth) => With("a", new string('[', depth) + new string(']', depth));
        Assert.True(TryParse(Nested(127)));
        Assert.False(TryParse(Nested(128)));
        Assert.False(TryParse(Nested(40_000)));
        Assert.False(IsEnvelope(Nested(40_000)));
    }

    [Fact]
    public void Size_IsBounded()
    {
        string padded = Plain + new string(' ', Envelope.MaxUtf8Length - Plain.Length);
        Assert.True(TryParse(padded));
        Assert.False(TryParse(padded + " "));
        Assert.False(IsEnvelope(padded + " "));
    }

    /// <summary>The derivation of the bound: the longest ciphertext of Transit beside the longest context, all of it escaped.</summary>
    [Fact]
    public void Size_LeavesRoomForTheLongest()
    {
        string transit = "vault:v4294967295:" + Convert.ToBase64String(new byte[Envelope.MaxPlaintextLength + 28]);
        string context = string.Concat(Enumerable.Repeat("\\u0061", EncryptionContext.MaxCanonicalLength - 7));
        string json = Plain
            .Replace("[1, 2, 3, 4]", $"[{string.Join(',', Encoding.ASCII.GetBytes(transit))}]")
            .Replace("""{"bucket": "test-bucket"}""", $$"""{"":"{{context}}"}""")
            .Replace("master-key-id", new string('k', 2048));
        Assert.Equal(transit, Encoding.ASCII.GetString(Parse(json).EncryptedKey));
    }

    [Fact]
    public void InvalidUtf8_IsRefusedEverywhere()
    {
        byte[] json = Encoding.UTF8.GetBytes(With("unknown", "\"?\""));
        json[json.AsSpan().LastIndexOf((byte)'?')] = 0xff;
        Assert.False(Envelope.TryParse(json, out _));
        Assert.False(Envelope.IsEnvelope(json));
    }

    [Theory]
    [InlineData("ключ-密钥-😀")]
    [InlineData("quote\" back\\slash\nline\u0001\u001f\u007f\u2028/")]
    [InlineData("")]
    public void AnyKeyId_IsWrittenAsValidJson(string keyId)
    {
        Envelope envelope = new()
        {
            DataKeyId = "id",
            MasterKeyId = keyId,
            KeySpec = "AES_256",
            EncryptedKey = [0, 9, 10, 99, 100, 255],
            Nonce = [],
            Context = EncryptionContextTests.Of((keyId, keyId)),
            CreatedAt = "now",
            Form = EnvelopeForm.RustFs,
        };
        using JsonDocument document = JsonDocument.Parse(Write(envelope));
        Assert.Equal(keyId, document.RootElement.GetProperty("master_key_id").GetString());
        Assert.Equal(keyId, document.RootElement.GetProperty("encryption_context").GetProperty(keyId).GetString());
        Assert.Equal(keyId, Parse(Write(envelope)).MasterKeyId);
        Assert.Contains("\"encrypted_key\":[0,9,10,99,100,255],\"nonce\":[],", Write(envelope));
    }

    private static string With(string name, string value) => $"{Plain[..^1]},\"{name}\":{value}}}";

    private static bool IsEnvelope(string json) => Envelope.IsEnvelope(Encoding.UTF8.GetBytes(json));

    private static bool TryParse(string json)
    {
        bool parsed = Envelope.TryParse(Encoding.UTF8.GetBytes(json), out Envelope? envelope);
        Assert.Equal(parsed, envelope is not null);
        return parsed;
    }

    internal static Envelope Parse(string json)
    {
        Assert.True(Envelope.TryParse(Encoding.UTF8.GetBytes(json), out Envelope? envelope), json);
        return envelope;
    }

    internal static string Write(Envelope envelope)
    {
        ArrayBufferWriter<byte> output = new();
        envelope.WriteTo(output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
