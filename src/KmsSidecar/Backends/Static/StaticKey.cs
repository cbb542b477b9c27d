using System.Text;
using System.Text.Unicode;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;

namespace KmsSidecar.Backends.Static;

/// <summary>The one key of a static backend, as it is configured: <c>KEY_ID:base64 of 32 bytes</c>. Owns the material.</summary>
internal sealed class StaticKey : IDisposable
{
    private StaticKey(string keyId, SecretBytes material)
    {
        KeyId = keyId;
        Material = material;
    }

    public string KeyId { get; }

    public SecretBytes Material { get; }

    /// <summary>Trims ASCII white space, and cuts at the first colon.</summary>
    /// <param name="content">The whole file; the caller wipes it.</param>
    /// <exception cref="KmsException">InvalidConfiguration; the message repeats nothing of the content.</exception>
    public static StaticKey Parse(ReadOnlySpan<byte> content)
    {
        ReadOnlySpan<byte> text = content[Ascii.Trim(content)];
        int colon = text.IndexOf((byte)':');
        if (colon < 0)
        {
            throw Invalid("has no colon between key id and key");
        }

        ReadOnlySpan<byte> id = text[..colon];
        ReadOnlySpan<byte> base64 = text[(colon + 1)..];
        if (id.IsEmpty)
        {
            throw Invalid("has no key id before the colon");
        }

        if (!Utf8.IsValid(id))
        {
            throw Invalid("has a key id that is not UTF-8");
        }

        if (base64.IsEmpty)
        {
            throw Invalid("has no key behind the colon");
        }

        return new StaticKey(Encoding.UTF8.GetString(id), Decode(base64));
    }

    public void Dispose() => Material.Dispose();

    public override string ToString() => $"static key {KeyId}";

    private static SecretBytes Decode(ReadOnlySpan<byte> base64)
    {
        using SecretBytes decoded = SecretBytes.Allocate(CanonicalBase64.MaxDecodedLength(base64.Length));
        if (!CanonicalBase64.TryDecode(base64, decoded.Span, out int length))
        {
            throw Invalid("has a key that is not standard base64 with padding");
        }

        return length == AeadKey.KeyLength
            ? SecretBytes.CopyOf(decoded.Span[..length])
            : throw Invalid($"has a key of {length} bytes instead of {AeadKey.KeyLength}");
    }

    private static KmsException Invalid(string fault) =>
        new(KmsError.InvalidConfiguration, $"the static key {fault}; it is written KEY_ID:BASE64, the base64 of {AeadKey.KeyLength} bytes");
}
