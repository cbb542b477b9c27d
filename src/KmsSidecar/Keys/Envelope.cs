using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace KmsSidecar.Keys;

/// <summary>A wrapped data key as it travels: RustFS's JSON object with seven names, which objects carry in their metadata.</summary>
/// <remarks>
/// <c>{"key_id","master_key_id","key_spec","encrypted_key":[n,…],"nonce":[n,…],"encryption_context":{…},"created_at"}</c>, then
/// <c>"master_key_version"</c> where the form has one, then <c>"form":"bound-1"</c> in the bound form alone.
/// Nothing here is secret, and until it has been opened nothing is authentic.
/// </remarks>
internal sealed class Envelope
{
    /// <summary>Longest plaintext that is wrapped (Encrypt takes up to 4 KiB; data keys are 16 or 32 bytes).</summary>
    public const int MaxPlaintextLength = 4096;

    /// <summary>Longest JSON that is parsed.</summary>
    /// <remarks>
    /// The longest that anyone writes is Transit's: 4096 bytes are 5.5 KiB as <c>vault:vN:base64</c>, four bytes of JSON for each of those
    /// (22 KiB); 8 KiB of context, six bytes for each when every one is escaped (48 KiB). The rest is for the small members, for those
    /// that a later RustFS may add, and for white space.
    /// </remarks>
    public const int MaxUtf8Length = 96 * 1024;

    /// <summary>Value of <c>form</c>. The number changes when the algorithm or the framing of <see cref="AssociatedData"/> does.</summary>
    public const string BoundMarker = "bound-1";

    /// <summary>A fresh UUID for every wrap; informational.</summary>
    public required string DataKeyId { get; init; }

    /// <summary>The key that wrapped it. Any text at all: it is looked up, never made into a path.</summary>
    public required string MasterKeyId { get; init; }

    /// <summary>Informational: the length of what was wrapped decides, not this.</summary>
    public required string KeySpec { get; init; }

    /// <summary>Ciphertext and tag; for Transit the UTF-8 bytes of <c>vault:vN:…</c>.</summary>
    public required byte[] EncryptedKey { get; init; }

    /// <summary>Of whatever length was sent: who opens the envelope knows what it must be. Transit has none.</summary>
    public required byte[] Nonce { get; init; }

    /// <summary>The context at generation, stored in clear. Only the bound form and the rules of a backend say what it is worth.</summary>
    public required EncryptionContext Context { get; init; }

    /// <summary>As written (<see cref="ZonedTimestamp"/>), unchecked; informational.</summary>
    public required string CreatedAt { get; init; }

    /// <summary>Never null in the bound form.</summary>
    public uint? MasterKeyVersion { get; init; }

    public required EnvelopeForm Form { get; init; }

    /// <summary>Never throws. False also for a form that is not known here.</summary>
    public static bool TryParse(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out Envelope? envelope) =>
        CompactEnvelopeReader.TryRead(utf8, out envelope) || EnvelopeReader.TryRead(utf8, out envelope);

    /// <summary>RustFS's own test for whether metadata holds an envelope, which looks at the names alone. Never throws.</summary>
    public static bool IsEnvelope(ReadOnlySpan<byte> utf8) => EnvelopeReader.IsEnvelope(utf8);

    /// <summary>Writes the JSON in one piece.</summary>
    public void WriteTo(IBufferWriter<byte> output) => new EnvelopeWriter
    {
        DataKeyId = DataKeyId,
        MasterKeyId = MasterKeyId,
        KeySpec = KeySpec,
        EncryptedKey = EncryptedKey,
        Nonce = Nonce,
        Context = Context,
        CreatedAt = CreatedAt,
        MasterKeyVersion = MasterKeyVersion,
        Form = Form,
    }.WriteTo(output);
}
