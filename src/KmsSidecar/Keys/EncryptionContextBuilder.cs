using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;

namespace KmsSidecar.Keys;

/// <summary>Gathers pairs as UTF-8 in one buffer and puts them into canonical form.</summary>
internal sealed class EncryptionContextBuilder : IDisposable
{
    public const string TooLong = "encryption_context is longer than 8192 bytes";

    /// <summary>Longest name that a fault repeats, in UTF-16 units: enough to recognise it.</summary>
    private const int MaxEchoedName = 40;

    // As JSON, a text is at most so many times longer than in canonical form: whatever finds no room here is too long there as well.
    private readonly byte[] _text = ArrayPool<byte>.Shared.Rent(EncryptionContext.MaxCanonicalLength * EnvelopeText.MaxExpansion);
    private readonly List<Pair> _pairs = [];
    private int _used;

    /// <summary>Where the next pair is to be written, the value right behind the name.</summary>
    public Span<byte> Free => _text.AsSpan(_used);

    /// <summary>Takes the pair that was written to <see cref="Free"/>.</summary>
    public void Add(int nameLength, int valueLength)
    {
        _pairs.Add(new Pair(_used, nameLength, valueLength));
        _used += nameLength + valueLength;
    }

    /// <returns>False for a repeated name, and when the canonical form is too long.</returns>
    public bool TryBuild([NotNullWhen(true)] out EncryptionContext? context, [NotNullWhen(false)] out string? fault)
    {
        context = null;
        _pairs.Sort((left, right) => Name(left).SequenceCompareTo(Name(right)));

        // Braces, then for every pair a colon and a comma; the last comma is not written.
        int length = 2 - Math.Min(_pairs.Count, 1);
        for (int i = 0; i < _pairs.Count; i++)
        {
            if (i > 0 && Name(_pairs[i - 1]).SequenceEqual(Name(_pairs[i])))
            {
                fault = $"{Path(Name(_pairs[i]))} is given twice";
                return false;
            }

            length += EnvelopeText.QuotedLength(Name(_pairs[i])) + EnvelopeText.QuotedLength(Value(_pairs[i])) + 2;
        }

        if (length > EncryptionContext.MaxCanonicalLength)
        {
            fault = TooLong;
            return false;
        }

        fault = null;
        context = new EncryptionContext(Canonical(length));
        return true;
    }

    /// <summary>How a fault names a member: cut short, and in printable ASCII, since it goes to logs and terminals.</summary>
    /// <param name="name">Valid UTF-8.</param>
    public static string Path(ReadOnlySpan<byte> name)
    {
        string text = Encoding.UTF8.GetString(name);
        if (text.Length > MaxEchoedName)
        {
            int cut = char.IsHighSurrogate(text[MaxEchoedName - 1]) ? MaxEchoedName - 1 : MaxEchoedName;
            text = text[..cut] + "...";
        }

        return $"encryption_context.{JsonEncodedText.Encode(text)}";
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_text);

    private byte[] Canonical(int length)
    {
        byte[] canonical = new byte[length];
        int written = 0;
        canonical[written++] = (byte)'{';
        foreach (Pair pair in _pairs)
        {
            if (written > 1)
            {
                canonical[written++] = (byte)',';
            }

            written += EnvelopeText.WriteQuoted(Name(pair), canonical.AsSpan(written));
            canonical[written++] = (byte)':';
            written += EnvelopeText.WriteQuoted(Value(pair), canonical.AsSpan(written));
        }

        canonical[written] = (byte)'}';
        return canonical;
    }

    private ReadOnlySpan<byte> Name(Pair pair) => _text.AsSpan(pair.Start, pair.NameLength);

    private ReadOnlySpan<byte> Value(Pair pair) => _text.AsSpan(pair.Start + pair.NameLength, pair.ValueLength);

    private readonly record struct Pair(int Start, int NameLength, int ValueLength);
}
