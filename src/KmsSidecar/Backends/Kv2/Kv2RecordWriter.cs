using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using KmsSidecar.Backends.Local;
using KmsSidecar.Crypto;
using KmsSidecar.Keys;

namespace KmsSidecar.Backends.Kv2;

/// <summary>Writes key records: a new one with RustFS's members in RustFS's order, a changed one with every member that does not change to the
/// letter, whoever it is from.</summary>
internal readonly ref struct Kv2RecordWriter(SecretBuffer output, Kv2Content content)
{
    private const int MaxDigits = 20;

    private static readonly string[] Members =
    [
        KeyFileNames.Algorithm, KeyFileNames.Usage, KeyFileNames.CreatedAt, KeyFileNames.Status, KeyFileNames.Version, KeyFileNames.Description,
        KeyFileNames.Metadata, Kv2Names.Tags, KeyFileNames.DeletionDate, KeyFileNames.RotatedAt, KeyFileNames.Material, Kv2Names.Baseline,
        Kv2Names.WrapBudget,
    ];

    /// <summary>A record for a new key.</summary>
    /// <returns>Holds the key; the caller's to dispose.</returns>
    public static SecretBuffer Write(Kv2Content content)
    {
        SecretBuffer output = new();
        Kv2RecordWriter writer = new(output, content);
        foreach (string name in Members)
        {
            writer.WriteMember(name);
        }

        output.Write("}"u8);
        return output;
    }

    /// <summary>The record with what <paramref name="after"/> says.</summary>
    /// <returns>Holds the key; the caller's to dispose.</returns>
    public static SecretBuffer Rewrite(Kv2Record record, Kv2Content after)
    {
        SecretBuffer output = new(record.Text.Length + 256);
        Kv2RecordWriter writer = new(output, after);
        List<string> changed = ChangedMembers(record.Content, after);
        Utf8JsonReader json = new(record.Text);
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            int start = (int)json.TokenStartIndex;
            string name = json.GetString()!;
            json.Read();
            json.Skip();
            if (changed.Remove(name))
            {
                writer.WriteMember(name);
            }
            else
            {
                writer.WriteSeparator();
                output.Write(record.Text[start..(int)json.BytesConsumed]);
            }
        }

        foreach (string name in changed)
        {
            writer.WriteMember(name);
        }

        output.Write(output.WrittenSpan.IsEmpty ? "{}"u8 : "}"u8);
        return output;
    }

    /// <summary>A text as JSON.</summary>
    public static void WriteText(SecretBuffer output, string? text)
    {
        if (text is null)
        {
            output.Write("null"u8);
            return;
        }

        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        output.Advance(EnvelopeText.WriteQuoted(utf8, output.GetSpan(EnvelopeText.QuotedLength(utf8))));
    }

    /// <summary>A key as base64 in quotes.</summary>
    public static void WriteMaterial(SecretBuffer output, SecretBytes material)
    {
        output.Write("\""u8);
        Base64.EncodeToUtf8(material.Span, output.GetSpan(Base64.GetMaxEncodedToUtf8Length(material.Length)), out _, out int written);
        output.Advance(written);
        output.Write("\""u8);
    }

    public static void WriteNumber(SecretBuffer output, ulong value)
    {
        value.TryFormat(output.GetSpan(MaxDigits), out int written, provider: CultureInfo.InvariantCulture);
        output.Advance(written);
    }

    private static List<string> ChangedMembers(Kv2Content before, Kv2Content after)
    {
        (KeyDescription was, KeyDescription @is) = (before.Description, after.Description);
        List<string> changed = [];
        Add(KeyFileNames.Status, was.State != @is.State);
        Add(KeyFileNames.Version, was.Version != @is.Version);
        Add(KeyFileNames.Description, was.Description != @is.Description);
        Add(Kv2Names.Tags, !was.Tags.SequenceEqual(@is.Tags));
        Add(KeyFileNames.DeletionDate, was.DeletionDate != @is.DeletionDate);
        Add(KeyFileNames.RotatedAt, was.RotatedAt != @is.RotatedAt);
        Add(KeyFileNames.Material, !before.Material.FixedTimeEquals(after.Material));
        Add(Kv2Names.Baseline, before.Baseline != after.Baseline);
        Add(Kv2Names.WrapBudget, before.WrapBudget != after.WrapBudget);
        Add(KeyFileNames.StateBeforeDeletion, was.StateBeforeDeletion != @is.StateBeforeDeletion);
        return changed;

        void Add(string name, bool isChanged)
        {
            if (isChanged)
            {
                changed.Add(name);
            }
        }
    }

    private void WriteMember(string name)
    {
        KeyDescription key = content.Description;
        if (name == KeyFileNames.StateBeforeDeletion && key.StateBeforeDeletion is null)
        {
            // A member of ours, which is there only while a deletion is pending.
            return;
        }

        WriteSeparator();
        WriteText(output, name);
        output.Write(":"u8);
        switch (name)
        {
            case KeyFileNames.Algorithm: WriteText(output, key.Algorithm); break;
            case KeyFileNames.Usage: WriteText(output, key.Usage); break;
            case KeyFileNames.CreatedAt: WriteText(output, key.CreatedAt); break;
            case KeyFileNames.Status: WriteText(output, KeyFileNames.NameOf(key.State)); break;
            case KeyFileNames.Version: WriteNumber(output, key.Version); break;
            case KeyFileNames.Description: WriteText(output, key.Description); break;
            case KeyFileNames.Metadata: output.Write("{}"u8); break;
            case Kv2Names.Tags: WriteTags(); break;
            case KeyFileNames.DeletionDate: WriteText(output, key.DeletionDate); break;
            case KeyFileNames.RotatedAt: WriteText(output, key.RotatedAt); break;
            case KeyFileNames.Material: WriteMaterial(output, content.Material); break;
            case Kv2Names.Baseline when content.Baseline is { } baseline: WriteNumber(output, baseline); break;
            case Kv2Names.Baseline: output.Write("null"u8); break;
            case Kv2Names.WrapBudget: WriteNumber(output, content.WrapBudget); break;
            case KeyFileNames.StateBeforeDeletion: WriteText(output, KeyFileNames.NameOf(key.StateBeforeDeletion!.Value)); break;
        }
    }

    private void WriteTags()
    {
        char before = '{';
        foreach ((string name, string value) in content.Description.Tags)
        {
            output.Write([(byte)before]);
            WriteText(output, name);
            output.Write(":"u8);
            WriteText(output, value);
            before = ',';
        }

        output.Write(before == '{' ? "{}"u8 : "}"u8);
    }

    private void WriteSeparator() => output.Write(output.WrittenSpan.IsEmpty ? "{"u8 : ","u8);
}
