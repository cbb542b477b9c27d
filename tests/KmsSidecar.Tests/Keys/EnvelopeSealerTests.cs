using System.Buffers;
using System.Text;
using CsCheck;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.Keys;

public sealed class EnvelopeSealerTests : IDisposable
{
    private const uint Version = 3;

    private static readonly FakeTimeProvider Clock = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, 600, TimeSpan.Zero));
    private static readonly EnvelopeSealer Local = new(bindsContextInRustFsForm: false, writesVersionInRustFsForm: false, Clock);
    private static readonly EnvelopeSealer Static = new(bindsContextInRustFsForm: true, writesVersionInRustFsForm: false, Clock);
    private static readonly EnvelopeSealer VaultKv2 = new(bindsContextInRustFsForm: false, writesVersionInRustFsForm: true, Clock);

    private static readonly byte[] DataKey = [.. Enumerable.Repeat((byte)0x11, 32)];
    private static readonly EncryptionContext Context = EncryptionContextTests.Of(("bucket-a", "bucket-a/obj"));
    private static readonly EncryptionContext Other = EncryptionContextTests.Of(("bucket-a", "bucket-a/other"));
    private static readonly EncryptionContext Wider = EncryptionContextTests.Of(("bucket-a", "bucket-a/obj"), ("more", "1"));

    private readonly AeadKey _key = AeadKey.From([.. Enumerable.Repeat((byte)0x5a, 32)]);

    public void Dispose() => _key.Dispose();

    /// <summary>RustFS's wrap of 32 bytes 0x11 under 0x42, without associated data, computed with Python's cryptography package.</summary>
    [Fact]
    public void LocalVector_Opens()
    {
        using AeadKey key = AeadKey.From([.. Enumerable.Repeat((byte)0x42, 32)]);
        Envelope envelope = EnvelopeTests.Parse(
            """{"key_id":"550e8400-e29b-41d4-a716-446655440000","master_key_id":"app-key","key_spec":"AES_256","encrypted_key":[189,173,60,204,180,48,234,227,243,92,213,186,47,150,71,219,147,31,98,14,41,179,16,133,78,176,30,24,69,163,120,166,36,57,11,6,149,31,29,56,102,147,128,101,34,70,56,173],"nonce":[12,13,14,15,16,17,18,19,20,21,22,23],"encryption_context":{"bucket-a":"bucket-a/obj"},"created_at":"2026-01-01T00:00:00+00:00[UTC]"}""");
        Assert.Equal(
            "bdad3cccb430eae3f35cd5ba2f9647db931f620e29b310854eb01e1845a378a624390b06951f1d3866938065224638ad",
            Convert.ToHexStringLower(envelope.EncryptedKey));
        Assert.Equal(DataKey, Open(Local, envelope, Context, key));
        Assert.Equal(DataKey, Open(Local, envelope, Wider, key));
        Assert.Equal(DataKey, Open(Local, envelope, EncryptionContext.Empty, key));
        Assert.Null(Open(Local, envelope, Other, key));
        Assert.Null(Open(Static, envelope, Context, key));
    }

    /// <summary>RustFS's static wrap, which authenticates the context; computed with Python's cryptography package.</summary>
    [Fact]
    public void StaticVectors_Open()
    {
        Envelope withContext = StaticEnvelope("4b792580f10e633dd172d5714b3fdae837555bf6d806cb8b75bd139c3ebb092073deb8997a3d6abe33be5b68db2edfe9", Context);
        Assert.Equal(DataKey, Open(Static, withContext, Context));
        Assert.Equal(DataKey, Open(Static, withContext, Wider));
        Assert.Equal(DataKey, Open(Static, withContext, EncryptionContext.Empty));
        Assert.Null(Open(Static, withContext, Other));
        Assert.Null(Open(Local, withContext, Context));
        Assert.Null(Open(Static, With(withContext, context: EncryptionContext.Empty), EncryptionContext.Empty));
        Assert.Null(Open(Static, With(withContext, context: Other), Other));

        Envelope withoutContext = StaticEnvelope("4b792580f10e633dd172d5714b3fdae837555bf6d806cb8b75bd139c3ebb092062d23192a66e9079baa74aee8da118c9", EncryptionContext.Empty);
        Assert.Equal(DataKey, Open(Static, withoutContext, EncryptionContext.Empty));
        Assert.Equal(DataKey, Open(Static, withoutContext, Context));
        Assert.Null(Open(Local, withoutContext, EncryptionContext.Empty));
    }

    [Fact]
    public void BoundForm_WritesWhatTheContractSays()
    {
        string json = Wrap(Local, EnvelopeForm.Bound, Context);
        Envelope envelope = EnvelopeTests.Parse(json);
        Assert.Equal(EnvelopeForm.Bound, envelope.Form);
        Assert.Equal(Version, envelope.MasterKeyVersion);
        Assert.Equal(AeadKey.XaesNonceLength, envelope.Nonce.Length);
        Assert.Equal(DataKey.Length + AeadKey.TagLength, envelope.EncryptedKey.Length);
        Assert.Equal("app-key", envelope.MasterKeyId);
        Assert.Equal("AES_256", envelope.KeySpec);
        Assert.Equal(Context, envelope.Context);
        Assert.Equal("2026-01-02T03:04:05.6+00:00[UTC]", envelope.CreatedAt);
        Assert.Equal('4', envelope.DataKeyId[14]);
        Assert.True(Guid.TryParseExact(envelope.DataKeyId, "D", out _));
        Assert.True(Envelope.IsEnvelope(Encoding.UTF8.GetBytes(json)));
        Assert.Equal(json, EnvelopeTests.Write(envelope));
    }

    [Fact]
    public void RustFsForm_WritesWhatTheBackendDoes()
    {
        Envelope local = EnvelopeTests.Parse(Wrap(Local, EnvelopeForm.RustFs, Context));
        Assert.Equal(EnvelopeForm.RustFs, local.Form);
        Assert.Null(local.MasterKeyVersion);
        Assert.Equal(AeadKey.GcmNonceLength, local.Nonce.Length);
        Assert.Null(EnvelopeTests.Parse(Wrap(Static, EnvelopeForm.RustFs, Context)).MasterKeyVersion);
        Assert.Equal(Version, EnvelopeTests.Parse(Wrap(VaultKv2, EnvelopeForm.RustFs, Context)).MasterKeyVersion);

        byte[] opened = new byte[DataKey.Length];
        Assert.True(_key.TryOpenGcm(local.Nonce, local.EncryptedKey, [], opened));
        Assert.Equal(DataKey, opened);
        Envelope bindsContext = EnvelopeTests.Parse(Wrap(Static, EnvelopeForm.RustFs, Context));
        Assert.True(_key.TryOpenGcm(bindsContext.Nonce, bindsContext.EncryptedKey, Context.CanonicalBytes, opened));
        Assert.Equal(DataKey, opened);
    }

    [Fact]
    public void Wraps_NeverRepeatNonceOrId()
    {
        foreach (EnvelopeForm form in Enum.GetValues<EnvelopeForm>())
        {
            Envelope[] envelopes = [.. Enumerable.Range(0, 200).Select(_ => EnvelopeTests.Parse(Wrap(Local, form, Context)))];
            Assert.Equal(200, envelopes.Select(e => Convert.ToHexString(e.Nonce)).Distinct().Count());
            Assert.Equal(200, envelopes.Select(e => e.DataKeyId).Distinct().Count());
        }
    }

    [Fact]
    public void BoundForm_OpensWithExactlyItsContext()
    {
        Envelope bound = EnvelopeTests.Parse(Wrap(Local, EnvelopeForm.Bound, Context));
        Assert.Equal(DataKey, Open(Local, bound, Context));
        Assert.Null(Open(Local, bound, Other));
        Assert.Null(Open(Local, bound, Wider));
        Assert.Null(Open(Local, bound, EncryptionContext.Empty));

        Envelope empty = EnvelopeTests.Parse(Wrap(Local, EnvelopeForm.Bound, EncryptionContext.Empty));
        Assert.Equal(DataKey, Open(Local, empty, EncryptionContext.Empty));
        Assert.Null(Open(Local, empty, Context));
    }

    [Fact]
    public void BoundForm_RefusesEveryEdit()
    {
        Envelope bound = EnvelopeTests.Parse(Wrap(Local, EnvelopeForm.Bound, Context));
        Assert.Null(Open(Local, With(bound, keyId: "app-kez"), Context));
        Assert.Null(Open(Local, With(bound, keyId: "app-key1"), Context));
        Assert.Null(Open(Local, With(bound, context: Other), Context));
        Assert.Null(Open(Local, With(bound, context: Other), Other));
        Assert.Null(Open(Local, With(bound, context: EncryptionContext.Empty), EncryptionContext.Empty));
        Assert.Null(Open(Local, With(bound, version: Version + 1), Context));
        Assert.Null(Open(Local, With(bound, version: Version + 1), Context, version: Version + 1));
        Assert.Null(Open(Local, bound, Context, version: Version + 1));
        Assert.Null(Open(Local, With(bound, form: EnvelopeForm.RustFs), Context));
        Assert.Null(Open(Local, With(bound, form: EnvelopeForm.RustFs, nonce: bound.Nonce[12..]), Context));

        using AeadKey anotherKey = AeadKey.From([.. Enumerable.Repeat((byte)0x5b, 32)]);
        Assert.Null(Open(Local, bound, Context, anotherKey));
    }

    [Fact]
    public void RustFsForm_DoesNotOpenAsBound()
    {
        Envelope rustFs = EnvelopeTests.Parse(Wrap(Local, EnvelopeForm.RustFs, Context));
        Assert.Null(Open(Local, With(rustFs, form: EnvelopeForm.Bound, version: Version), Context));
        Assert.Null(Open(Local, With(rustFs, form: EnvelopeForm.Bound, version: Version, nonce: [.. new byte[12], .. rustFs.Nonce]), Context));
    }

    [Theory]
    [InlineData(nameof(EnvelopeForm.Bound))]
    [InlineData(nameof(EnvelopeForm.RustFs))]
    public void EveryFlippedBit_IsRefused(string form)
    {
        Envelope envelope = EnvelopeTests.Parse(Wrap(Local, Enum.Parse<EnvelopeForm>(form), Context));
        foreach (byte[] field in (byte[][])[envelope.EncryptedKey, envelope.Nonce])
        {
            for (int bit = 0; bit < 8 * field.Length; bit++)
            {
                field[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.Null(Open(Local, envelope, Context));
                field[bit / 8] ^= (byte)(1 << (bit % 8));
            }
        }

        Assert.Equal(DataKey, Open(Local, envelope, Context));
    }

    [Theory]
    [InlineData(nameof(EnvelopeForm.Bound))]
    [InlineData(nameof(EnvelopeForm.RustFs))]
    public void WrongLengths_AreRefused(string form)
    {
        Envelope envelope = EnvelopeTests.Parse(Wrap(Local, Enum.Parse<EnvelopeForm>(form), Context));
        foreach (int length in (int[])[0, 1, 11, 12, 13, 16, 23, 24, 25, 4096])
        {
            if (length != envelope.Nonce.Length)
            {
                Assert.Null(Open(Local, With(envelope, nonce: new byte[length]), Context));
            }
        }

        foreach (int length in (int[])[0, 1, 15, 16, 17, 47, 49, 4112, 4113, 20_000])
        {
            Assert.Null(Open(Local, With(envelope, encryptedKey: new byte[length]), Context));
        }
    }

    [Fact]
    public void AnyRequest_OpensAgain() => Gen.Select(
        Gen.Byte.Array[0, Envelope.MaxPlaintextLength],
        Gen.OneOf(EnvelopeForm.Bound, EnvelopeForm.RustFs),
        Gen.OneOf(Local, Static, VaultKv2),
        Gen.OneOf(Context, EncryptionContext.Empty, Wider),
        Gen.OneOf("a", "ключ", "\"\\\n", new string('x', 300)))
        .Sample(
            (plaintext, form, sealer, context, keyId) =>
            {
                ArrayBufferWriter<byte> output = new();
                sealer.Wrap(_key, Version, new WrapRequest(keyId, KeySpec.Aes128, form, plaintext, context, output));
                Envelope envelope = EnvelopeTests.Parse(Encoding.UTF8.GetString(output.WrittenSpan));
                return envelope.MasterKeyId == keyId && plaintext.AsSpan().SequenceEqual(Open(sealer, envelope, context));
            },
            iter: 500,
            threads: 1);

    [Fact]
    public void Misuse_Throws()
    {
        ArrayBufferWriter<byte> output = new();
        WrapRequest request = new("k", KeySpec.Aes256, EnvelopeForm.Bound, new byte[Envelope.MaxPlaintextLength + 1], Context, output);
        Assert.Throws<ArgumentOutOfRangeException>(() => Local.Wrap(_key, Version, request));
        Assert.Equal(0, output.WrittenCount);

        Envelope envelope = EnvelopeTests.Parse(Wrap(Local, EnvelopeForm.Bound, Context));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => Local.Unwrap(_key, Version, envelope, Context, new byte[Envelope.MaxPlaintextLength - 1]));
    }

    private string Wrap(EnvelopeSealer sealer, EnvelopeForm form, EncryptionContext context)
    {
        ArrayBufferWriter<byte> output = new();
        sealer.Wrap(_key, Version, new WrapRequest("app-key", KeySpec.Aes256, form, DataKey, context, output));
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    /// <summary>The plaintext; null when refused, and then everything that goes with a refusal has been checked.</summary>
    private byte[]? Open(EnvelopeSealer sealer, Envelope envelope, EncryptionContext context, AeadKey? key = null, uint version = Version)
    {
        byte[] plaintext = [.. Enumerable.Repeat((byte)0xa5, Envelope.MaxPlaintextLength + 1)];
        UnwrapResult result = sealer.Unwrap(key ?? _key, version, envelope, context, plaintext);
        if (result.Error == KmsError.None)
        {
            Assert.Equal(version, result.KeyVersion);
            return plaintext[..result.Length];
        }

        Assert.Equal(new UnwrapResult(KmsError.InvalidCiphertext, 0, 0), result);
        Assert.False(plaintext.AsSpan().ContainsAnyExcept((byte)0));
        return null;
    }

    private static Envelope StaticEnvelope(string encryptedKey, EncryptionContext context) => new()
    {
        DataKeyId = "550e8400-e29b-41d4-a716-446655440000",
        MasterKeyId = "behavior-static-key",
        KeySpec = "AES_256",
        EncryptedKey = Convert.FromHexString(encryptedKey),
        Nonce = Convert.FromHexString("0c0d0e0f1011121314151617"),
        Context = context,
        CreatedAt = "2026-01-01T00:00:00+00:00[UTC]",
        Form = EnvelopeForm.RustFs,
    };

    private static Envelope With(
        Envelope envelope, string? keyId = null, EncryptionContext? context = null, uint? version = null,
        EnvelopeForm? form = null, byte[]? nonce = null, byte[]? encryptedKey = null) => new()
        {
            DataKeyId = envelope.DataKeyId,
            MasterKeyId = keyId ?? envelope.MasterKeyId,
            KeySpec = envelope.KeySpec,
            EncryptedKey = encryptedKey ?? envelope.EncryptedKey,
            Nonce = nonce ?? envelope.Nonce,
            Context = context ?? envelope.Context,
            CreatedAt = envelope.CreatedAt,
            MasterKeyVersion = version ?? envelope.MasterKeyVersion,
            Form = form ?? envelope.Form,
        };
}
