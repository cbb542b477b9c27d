using System.Text;
using System.Text.Json.Nodes;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.Keys;

/// <summary>Envelopes that RustFS 1.0.0-rc.3 wrote with its local and static backends.</summary>
public sealed class EnvelopeRecordedTests
{
    private static readonly EnvelopeSealer StaticSealer =
        new(bindsContextInRustFsForm: true, writesVersionInRustFsForm: false, new FakeTimeProvider());

    public static TheoryData<int> LocalKeys => [.. Enumerable.Range(0, 28)];

    public static TheoryData<int> StaticKeys => [.. Enumerable.Range(0, 12)];

    [Theory]
    [MemberData(nameof(LocalKeys))]
    public void LocalEnvelope_IsReadAndWrittenAsItWas(int index) => AssertReadAndWrittenAsItWas(RecordedDataKey.Local[index]);

    [Theory]
    [MemberData(nameof(StaticKeys))]
    public void StaticEnvelope_IsReadAndWrittenAsItWas(int index) => AssertReadAndWrittenAsItWas(RecordedDataKey.Static[index]);

    [Theory]
    [MemberData(nameof(StaticKeys))]
    public void StaticEnvelope_Opens(int index)
    {
        RecordedDataKey recorded = RecordedDataKey.Static[index];
        Assert.Equal(recorded.Plaintext, Open(recorded, recorded.Context));
        Assert.Equal(recorded.Plaintext, Open(recorded, EncryptionContext.Empty));
        EncryptionContext other = EncryptionContextTests.Of(("bucket", "another"));
        Assert.Equal(recorded.Context.IsEmpty ? recorded.Plaintext : null, Open(recorded, other));
    }

    private static void AssertReadAndWrittenAsItWas(RecordedDataKey recorded)
    {
        Assert.True(Envelope.IsEnvelope(recorded.Blob));
        Assert.True(Envelope.TryParse(recorded.Blob, out Envelope? envelope));
        Assert.Equal(recorded.KeyId, envelope.MasterKeyId);
        Assert.Equal(recorded.Context, envelope.Context);
        Assert.Equal(EnvelopeForm.RustFs, envelope.Form);
        Assert.Equal(AeadKey.GcmNonceLength, envelope.Nonce.Length);
        Assert.Equal(recorded.Plaintext.Length + AeadKey.TagLength, envelope.EncryptedKey.Length);
        Assert.True(ZonedTimestamp.TryParse(envelope.CreatedAt, out DateTimeOffset createdAt));
        Assert.Equal(2026, createdAt.Year);

        // The order of a context's entries is that of RustFS's hash map; all other bytes must come back.
        Assert.Equal(WithCanonicalContext(recorded, envelope.Context), EnvelopeTests.Write(envelope));
    }

    private static string WithCanonicalContext(RecordedDataKey recorded, EncryptionContext context)
    {
        const string Name = "\"encryption_context\":";
        const string Next = ",\"created_at\":";
        string json = Encoding.UTF8.GetString(recorded.Blob);
        int start = json.IndexOf(Name, StringComparison.Ordinal) + Name.Length;
        int end = json.LastIndexOf(Next, StringComparison.Ordinal);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(json[start..end]), JsonNode.Parse(context.CanonicalBytes)));
        return json[..start] + Encoding.UTF8.GetString(context.CanonicalBytes) + json[end..];
    }

    private static byte[]? Open(RecordedDataKey recorded, EncryptionContext context)
    {
        using AeadKey key = AeadKey.From(RecordedDataKey.StaticKey);
        Assert.True(Envelope.TryParse(recorded.Blob, out Envelope? envelope));
        byte[] plaintext = new byte[Envelope.MaxPlaintextLength];
        UnwrapResult result = StaticSealer.Unwrap(key, 1, envelope, context, plaintext);
        return result.Error == KmsError.None ? plaintext[..result.Length] : null;
    }
}
