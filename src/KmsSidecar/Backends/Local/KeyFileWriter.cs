using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using KmsSidecar.Keys;

namespace KmsSidecar.Backends.Local;

/// <summary>Writes a key record byte for byte as RustFS does: two spaces, a line for each member and number, no last newline.</summary>
/// <remarks>Leaves copies of what it writes in memory: not for a record whose material is plain, except in tests.</remarks>
internal readonly ref struct KeyFileWriter
{
    private const int MaxUInt32Digits = 10;

    private readonly ArrayBufferWriter<byte> _output = new();

    public KeyFileWriter()
    {
    }

    public static byte[] Write(KeyFile file)
    {
        KeyFileWriter writer = new();
        writer.WriteRecord(file);
        return writer._output.WrittenSpan.ToArray();
    }

    private void WriteRecord(KeyFile file)
    {
        _output.Write("{\n  "u8);
        WriteName(KeyFileNames.FormatVersion);
        WriteNumber(KeyFile.FormatVersion);
        WriteText(KeyFileNames.KeyId, file.KeyId);
        WriteNext(KeyFileNames.Version);
        WriteNumber(file.Version);
        WriteText(KeyFileNames.Algorithm, file.Algorithm);
        WriteText(KeyFileNames.Usage, file.Usage);
        WriteText(KeyFileNames.Status, KeyFileNames.NameOf(file.State));
        WriteText(KeyFileNames.Description, file.Description);
        WriteMetadata(file);
        WriteText(KeyFileNames.CreatedAt, file.CreatedAt);
        WriteText(KeyFileNames.RotatedAt, file.RotatedAt);
        WriteText(KeyFileNames.CreatedBy, file.CreatedBy);
        WriteText(KeyFileNames.DeletionDate, file.DeletionDate);
        WriteMaterial(file);
        WriteNonce(file);

        // A record without a marker stays one: writing "encrypted" on it would shut out the old derivation it may need.
        if (file.Protection != AtRestProtection.LegacyUnspecified)
        {
            WriteText(KeyFileNames.Protection, KeyFileNames.NameOf(file.Protection));
        }

        foreach ((string name, byte[] json) in file.Unknown)
        {
            WriteNext(name);
            _output.Write(json);
        }

        _output.Write("\n}"u8);
    }

    private void WriteMetadata(KeyFile file)
    {
        WriteNext(KeyFileNames.Metadata);
        _output.Write("{"u8);
        for (int i = 0; i < file.Metadata.Length; i++)
        {
            _output.Write(i == 0 ? "\n    "u8 : ",\n    "u8);
            WriteName(file.Metadata[i].Key);
            WriteQuoted(file.Metadata[i].Value);
        }

        _output.Write(file.Metadata.IsEmpty ? "}"u8 : "\n  }"u8);
    }

    private void WriteMaterial(KeyFile file)
    {
        WriteNext(KeyFileNames.Material);
        _output.Write("\""u8);
        Span<byte> destination = _output.GetSpan(Base64.GetMaxEncodedToUtf8Length(file.Material.Length));
        Base64.EncodeToUtf8(file.Material.Span, destination, out _, out int written);
        _output.Advance(written);
        _output.Write("\""u8);
    }

    private void WriteNonce(KeyFile file)
    {
        WriteNext(KeyFileNames.Nonce);
        _output.Write("["u8);
        for (int i = 0; i < file.Nonce.Length; i++)
        {
            _output.Write(i == 0 ? "\n    "u8 : ",\n    "u8);
            WriteNumber(file.Nonce[i]);
        }

        _output.Write(file.Nonce.Length == 0 ? "]"u8 : "\n  ]"u8);
    }

    private void WriteText(string name, string? value)
    {
        WriteNext(name);
        if (value is null)
        {
            _output.Write("null"u8);
        }
        else
        {
            WriteQuoted(value);
        }
    }

    private void WriteNext(string name)
    {
        _output.Write(",\n  "u8);
        WriteName(name);
    }

    private void WriteName(string name)
    {
        WriteQuoted(name);
        _output.Write(": "u8);
    }

    private void WriteQuoted(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        _output.Advance(EnvelopeText.WriteQuoted(utf8, _output.GetSpan(EnvelopeText.QuotedLength(utf8))));
    }

    private void WriteNumber(uint value)
    {
        Span<byte> destination = _output.GetSpan(MaxUInt32Digits);
        value.TryFormat(destination, out int written, provider: CultureInfo.InvariantCulture);
        _output.Advance(written);
    }
}
