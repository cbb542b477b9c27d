using System.Buffers.Text;
using System.Text.Json;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;

namespace KmsSidecar.Vault;

/// <summary>One thing to encrypt or to decrypt, and then what came of it.</summary>
/// <remarks>Its memory is its own, so that it outlives a caller who has gone; it holds plaintext on the way to Vault or back, and
/// <see cref="Dispose"/> wipes it. Not thread-safe: it has one user at a time.</remarks>
internal sealed class TransitItem : IDisposable
{
    /// <summary>Longest plaintext that is taken from an answer.</summary>
    public const int MaxPlaintextLength = 4096;

    private readonly SecretBuffer _buffer = new();

    private TransitItem(TransitDirection direction) => Direction = direction;

    public TransitDirection Direction { get; }

    /// <summary>The request: an item of <c>batch_input</c>, and as it stands the body of a call of its own. Until there is an outcome.</summary>
    public ReadOnlyMemory<byte> Request => _buffer.WrittenMemory;

    /// <summary>None when there is a <see cref="Result"/>.</summary>
    public KmsError Error { get; private set; } = KmsError.Internal;

    /// <summary>For the log: the server's own words or a sentence of the client's; never a secret. Empty when all is well.</summary>
    public string Reason { get; private set; } = "";

    /// <summary>Ciphertext as <see cref="TransitCiphertext"/>, or plaintext.</summary>
    public ReadOnlySpan<byte> Result => Error == KmsError.None ? _buffer.WrittenSpan : default;

    /// <param name="plaintext">Copied.</param>
    /// <param name="associatedData">Empty for none.</param>
    public static TransitItem Encrypt(ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData)
    {
        TransitItem item = new(TransitDirection.Encrypt);
        item.Write("{\"plaintext\":\""u8);
        item.WriteBase64(plaintext);
        item.End(associatedData);
        return item;
    }

    /// <param name="ciphertext">Of the shape of <see cref="TransitCiphertext"/>.</param>
    /// <param name="associatedData">Empty for none.</param>
    public static TransitItem Decrypt(ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> associatedData)
    {
        if (!TransitCiphertext.TryReadVersion(ciphertext, out _))
        {
            throw new ArgumentException("not a ciphertext of Transit", nameof(ciphertext));
        }

        TransitItem item = new(TransitDirection.Decrypt);
        item.Write("{\"ciphertext\":\""u8);
        item.Write(ciphertext);
        item.End(associatedData);
        return item;
    }

    /// <summary>Takes the result that a reader stands on, in the place of the request.</summary>
    /// <returns>False, and nothing is changed that matters, when it is not one.</returns>
    /// <exception cref="InvalidOperationException">The text is not Unicode; as everywhere with this reader.</exception>
    public bool TrySucceed(ref readonly Utf8JsonReader result)
    {
        if (result.TokenType != JsonTokenType.String || result.HasValueSequence
            || result.ValueSpan.Length > TransitCiphertext.MaxLength)
        {
            return false;
        }

        _buffer.Clear();
        Span<byte> text = _buffer.GetSpan(Math.Max(result.ValueSpan.Length, 1));
        text = text[..result.CopyString(text)];
        int length = text.Length;
        bool isGood = Direction == TransitDirection.Encrypt
            ? TransitCiphertext.TryReadVersion(text, out _)
            : Base64.DecodeFromUtf8InPlace(text, out length) == System.Buffers.OperationStatus.Done && length <= MaxPlaintextLength;
        if (isGood)
        {
            _buffer.Advance(length);
            (Error, Reason) = (KmsError.None, "");
        }

        return isGood;
    }

    public void Fail(KmsError error, string reason)
    {
        _buffer.Clear();
        (Error, Reason) = (error, reason);
    }

    public void Dispose() => _buffer.Dispose();

    private void End(ReadOnlySpan<byte> associatedData)
    {
        if (!associatedData.IsEmpty)
        {
            Write("\",\"associated_data\":\""u8);
            WriteBase64(associatedData);
        }

        Write("\"}"u8);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_buffer.GetSpan(bytes.Length));
        _buffer.Advance(bytes.Length);
    }

    private void WriteBase64(ReadOnlySpan<byte> bytes)
    {
        Base64.EncodeToUtf8(bytes, _buffer.GetSpan(Math.Max(Base64.GetMaxEncodedToUtf8Length(bytes.Length), 1)), out _, out int written);
        _buffer.Advance(written);
    }
}
