using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;

namespace KmsSidecar.Keys;

/// <summary>The pairs that a caller binds to a data key, as their canonical bytes. Immutable; not secret.</summary>
/// <remarks>
/// Canonical, and the same as what RustFS authenticates, is one compact JSON object with its names in the order of their UTF-8 bytes
/// and its strings as <see cref="EnvelopeText"/> writes them. Equal contexts have equal bytes, different ones different bytes.
/// </remarks>
internal sealed class EncryptionContext : IEquatable<EncryptionContext>
{
    /// <summary>Most canonical bytes: what AWS KMS allows for a context, so that every AWS client stays inside it.</summary>
    public const int MaxCanonicalLength = 8 * 1024;

    private readonly byte[] _canonical;

    /// <param name="canonical">Canonical already: the builder and the two readers of this folder make it. Becomes this object's own.</param>
    public EncryptionContext(byte[] canonical) => _canonical = canonical;

    public static EncryptionContext Empty { get; } = new("{}"u8.ToArray());

    public bool IsEmpty => _canonical.Length == Empty._canonical.Length;

    public ReadOnlySpan<byte> CanonicalBytes => _canonical;

    /// <summary>The same, to be kept.</summary>
    public ReadOnlyMemory<byte> Canonical => _canonical;

    /// <exception cref="ArgumentException">A repeated name, text that is not Unicode, or too long.</exception>
    public static EncryptionContext FromPairs(IEnumerable<KeyValuePair<string, string>> pairs)
    {
        UTF8Encoding strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
        using EncryptionContextBuilder builder = new();
        foreach ((string name, string value) in pairs)
        {
            if (strict.GetByteCount(name) + strict.GetByteCount(value) > builder.Free.Length)
            {
                throw new ArgumentException(EncryptionContextBuilder.TooLong, nameof(pairs));
            }

            int nameLength = strict.GetBytes(name, builder.Free);
            builder.Add(nameLength, strict.GetBytes(value, builder.Free[nameLength..]));
        }

        return builder.TryBuild(out EncryptionContext? context, out string? fault)
            ? context
            : throw new ArgumentException(fault, nameof(pairs));
    }

    /// <summary>Reads one object and nothing behind it.</summary>
    /// <returns>Null, with what is wrong.</returns>
    public static EncryptionContext? Parse(ReadOnlySpan<byte> json, out string? fault)
    {
        fault = "expected a JSON object of strings";
        try
        {
            Utf8JsonReader reader = new(json);
            return reader.Read() && reader.TokenType == JsonTokenType.StartObject && TryRead(ref reader, out EncryptionContext? context, out fault) && !reader.Read()
                ? context
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Reads the object that the reader stands on, and leaves the reader on its end.</summary>
    /// <param name="reader">On <see cref="JsonTokenType.StartObject"/>, with all of its input in hand.</param>
    /// <param name="fault">When false: one short sentence that names the member, in printable ASCII.</param>
    /// <returns>False for a value that is not a string, a repeated name, text that is not Unicode, or a context that is too long.</returns>
    /// <exception cref="JsonException">The input is not JSON; as everywhere with this reader.</exception>
    public static bool TryRead(
        ref Utf8JsonReader reader, [NotNullWhen(true)] out EncryptionContext? context, [NotNullWhen(false)] out string? fault) =>
        EncryptionContextReader.TryRead(ref reader, out context, out fault);

    /// <summary>RustFS's rule, with this as the request's context: an empty one admits every envelope, any other must repeat
    /// every pair of the envelope and may carry more.</summary>
    public bool Admits(EncryptionContext envelopeContext)
    {
        if (IsEmpty)
        {
            return true;
        }

        // Both are in the same order, so the envelope's pairs must turn up here as a subsequence.
        EncryptionContextPairs mine = new(_canonical);
        EncryptionContextPairs theirs = new(envelopeContext._canonical);
        while (theirs.MoveNext())
        {
            do
            {
                if (!mine.MoveNext())
                {
                    return false;
                }
            }
            while (!mine.Name.SequenceEqual(theirs.Name));

            if (!mine.Value.SequenceEqual(theirs.Value))
            {
                return false;
            }
        }

        return true;
    }

    public bool Equals(EncryptionContext? other) => other is not null && CanonicalBytes.SequenceEqual(other.CanonicalBytes);

    public override bool Equals(object? obj) => Equals(obj as EncryptionContext);

    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.AddBytes(_canonical);
        return hash.ToHashCode();
    }
}
