using System.Text.Json;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;
using KmsSidecar.Operations;

namespace KmsSidecar.Api.AwsKms;

/// <summary>The operations of AWS KMS that use keys. Ciphertexts are RustFS's envelopes, which it recognises by their names.</summary>
/// <remarks>Grant tokens are ignored: there are no grants.</remarks>
internal sealed class AwsDataKeys(KmsService service, KeyArns arns)
{
    private const int MaxRandomBytes = 1024;

    public ValueTask<KmsError> GenerateAsync(Call call) => GenerateAsync(call, withPlaintext: true);

    public ValueTask<KmsError> GenerateWithoutPlaintextAsync(Call call) => GenerateAsync(call, withPlaintext: false);

    public async ValueTask<KmsError> EncryptAsync(Call call)
    {
        AwsRequest request = Read(call);
        string? reference = arns.Check(request.KeyId, "KeyId");
        if (request.Plaintext is not { IsEmpty: false } plaintext)
        {
            throw AwsException.Invalid($"Plaintext must be 1 to {Envelope.MaxPlaintextLength} bytes long");
        }

        using SnapshotLease lease = service.Acquire();
        DataKeys.Wrapped wrapped = await DataKeys.EncryptAsync(
            lease.Snapshot, call.JudgedKeyId ?? reference, request.Context, plaintext, FreshEnvelope(call), call.Cancellation);
        call.Audit.Note(lease.Snapshot, wrapped, request.Context);
        if (wrapped.Error != KmsError.None)
        {
            return wrapped.Error;
        }

        Utf8JsonWriter writer = Begin(call, request);
        writer.WriteBase64String("CiphertextBlob", call.Envelope.WrittenSpan);
        writer.WriteString("KeyId", reference ?? wrapped.KeyId);
        writer.WriteString("EncryptionAlgorithm", AwsModels.Algorithm);
        return End(writer);
    }

    public async ValueTask<KmsError> DecryptAsync(Call call)
    {
        AwsRequest request = Read(call);
        string? reference = arns.Check(request.KeyId, "KeyId");
        ReadOnlyMemory<byte> blob = RequireBlob(request);
        using SnapshotLease lease = service.Acquire();
        await RequireKeyAsync(lease.Snapshot, blob, reference, call.Cancellation);
        Memory<byte> plaintext = call.Plaintext.GetMemory(Envelope.MaxPlaintextLength);
        DataKeys.Opened opened = await DataKeys.DecryptAsync(lease.Snapshot, blob, request.Context, plaintext, call.Cancellation);
        call.Audit.Note(lease.Snapshot, opened, request.Context);
        if (opened.Error != KmsError.None)
        {
            return opened.Error;
        }

        Utf8JsonWriter writer = Begin(call, request);
        writer.WriteString("KeyId", reference ?? opened.KeyId);
        writer.WriteBase64String("Plaintext", plaintext.Span[..opened.Length]);
        writer.WriteString("EncryptionAlgorithm", AwsModels.Algorithm);
        return End(writer);
    }

    public async ValueTask<KmsError> ReEncryptAsync(Call call)
    {
        AwsRequest request = Read(call);
        string? source = arns.Check(request.SourceKeyId, "SourceKeyId");
        string destination = arns.Require(request.DestinationKeyId, "DestinationKeyId");
        ReadOnlyMemory<byte> blob = RequireBlob(request);
        using SecretBuffer envelope = new();
        using SnapshotLease lease = service.Acquire();
        await RequireKeyAsync(lease.Snapshot, blob, source, call.Cancellation);
        Memory<byte> plaintext = call.Plaintext.GetMemory(Envelope.MaxPlaintextLength);
        DataKeys.Opened opened = await DataKeys.DecryptAsync(lease.Snapshot, blob, request.SourceContext, plaintext, call.Cancellation);
        call.Audit.Note(lease.Snapshot, opened, request.SourceContext);
        if (opened.Error != KmsError.None)
        {
            return opened.Error;
        }

        DataKeys.Wrapped wrapped = await DataKeys.EncryptAsync(
            lease.Snapshot, call.JudgedKeyId ?? destination, request.DestinationContext, plaintext[..opened.Length], envelope, call.Cancellation);
        call.Audit.Note(lease.Snapshot, wrapped with { Source = opened }, request.DestinationContext);
        if (wrapped.Error != KmsError.None)
        {
            return wrapped.Error;
        }

        Utf8JsonWriter writer = Begin(call, request);
        writer.WriteBase64String("CiphertextBlob", envelope.WrittenSpan);
        writer.WriteString("SourceKeyId", source ?? opened.KeyId);
        writer.WriteString("KeyId", destination);
        writer.WriteString("SourceEncryptionAlgorithm", AwsModels.Algorithm);
        writer.WriteString("DestinationEncryptionAlgorithm", AwsModels.Algorithm);
        return End(writer);
    }

    /// <summary>Needs no key, and so is answered in every state.</summary>
    public static ValueTask<KmsError> GenerateRandomAsync(Call call)
    {
        AwsRequest request = Read(call);
        int length = (int)AwsRequest.InRange("NumberOfBytes", request.NumberOfBytes ?? throw AwsException.Missing("NumberOfBytes"), MaxRandomBytes);
        Span<byte> bytes = call.Plaintext.GetMemory(length).Span[..length];
        RandomBytes.Fill(bytes);
        Utf8JsonWriter writer = call.BeginJson();
        writer.WriteStartObject();
        writer.WriteBase64String("Plaintext", bytes);
        return new ValueTask<KmsError>(End(writer));
    }

    private async ValueTask<KmsError> GenerateAsync(Call call, bool withPlaintext)
    {
        AwsRequest request = Read(call);
        string? reference = arns.Check(request.KeyId, "KeyId");
        int length = LengthOf(request);
        Memory<byte> plaintext = call.Plaintext.GetMemory(length)[..length];
        using SnapshotLease lease = service.Acquire();
        DataKeys.Wrapped wrapped = await DataKeys.GenerateAsync(
            lease.Snapshot, call.JudgedKeyId ?? reference, KeySpecs.OfLength(length), request.Context, plaintext, FreshEnvelope(call), call.Cancellation);
        call.Audit.Note(lease.Snapshot, wrapped, request.Context);
        if (wrapped.Error != KmsError.None)
        {
            return wrapped.Error;
        }

        Utf8JsonWriter writer = Begin(call, request);
        writer.WriteBase64String("CiphertextBlob", call.Envelope.WrittenSpan);
        if (withPlaintext)
        {
            writer.WriteBase64String("Plaintext", plaintext.Span);
        }

        writer.WriteString("KeyId", reference ?? wrapped.KeyId);
        return End(writer);
    }

    private static AwsRequest Read(Call call)
    {
        AwsRequest request = AwsRequest.Read(call);
        if (request.Unsupported is { } member)
        {
            throw new AwsException(AwsErrorCode.UnsupportedOperationException, $"{member} is not supported here");
        }

        return request.HasOtherAlgorithm
            ? throw new AwsException(AwsErrorCode.InvalidKeyUsageException, $"keys here have the one algorithm {AwsModels.Algorithm}")
            : request;
    }

    private static int LengthOf(AwsRequest request) => (request.KeySpec, request.NumberOfBytes) switch
    {
        (null, { } count) => (int)AwsRequest.InRange("NumberOfBytes", count, MaxRandomBytes),
        ("AES_256", null) => KeySpec.Aes256.Length(),
        ("AES_128", null) => KeySpec.Aes128.Length(),
        (_, null) => throw AwsException.Invalid("KeySpec must be AES_256 or AES_128; for other lengths give NumberOfBytes"),
        _ => throw AwsException.Invalid("give KeySpec or NumberOfBytes, not both"),
    };

    private static ReadOnlyMemory<byte> RequireBlob(AwsRequest request) =>
        request.CiphertextBlob is { IsEmpty: false } blob ? blob : throw AwsException.Missing("CiphertextBlob");

    /// <summary>Checks that an envelope was wrapped under the key that its caller takes it to be, if any.</summary>
    private static async ValueTask RequireKeyAsync(
        Snapshot snapshot, ReadOnlyMemory<byte> blob, string? reference, CancellationToken cancellation)
    {
        if (reference is null || !snapshot.IsRunning || !Envelope.TryParse(blob.Span, out Envelope? envelope))
        {
            return;
        }

        (KmsError error, string keyId) = await KeyReference.ResolveAsync(snapshot, reference, cancellation);
        if (error != KmsError.None)
        {
            throw new KmsException(error);
        }

        if (keyId != envelope.MasterKeyId)
        {
            throw new AwsException(AwsErrorCode.IncorrectKeyException, "the ciphertext was made under another key than the request names");
        }
    }

    /// <summary>A request may carry a ciphertext where the operation has none, which is ignored: it must not become a part of the answer's.</summary>
    private static SecretBuffer FreshEnvelope(Call call)
    {
        call.Envelope.Clear();
        return call.Envelope;
    }

    /// <summary>Begins the answer, unless the request was only to find out whether there would be one.</summary>
    private static Utf8JsonWriter Begin(Call call, AwsRequest request)
    {
        if (request.DryRun)
        {
            throw new AwsException(AwsErrorCode.DryRunOperationException, "the request would have succeeded, but DryRun is set");
        }

        Utf8JsonWriter writer = call.BeginJson();
        writer.WriteStartObject();
        return writer;
    }

    private static KmsError End(Utf8JsonWriter writer)
    {
        writer.WriteEndObject();
        writer.Flush();
        return KmsError.None;
    }
}
