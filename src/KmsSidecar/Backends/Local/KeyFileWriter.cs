using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using KmsSidecar.Crypto;
using KmsSidecar.Keys;

namespace KmsSidecar.Backends.Local;

/// <summary>Writes a key record byte for byte as RustFS does: two spaces, a line for each member and number, no last newline.</summary>
internal readonly ref struct KeyFileWriter(SecretBuffer output)
{
    private const int MaxUInt32Digits = 10;

    /// <returns>The caller's to dispose.</returns>
    public static SecretBuffer Write(KeyFile file)
    {
        SecretBuffer output = new();
        new KeyFileWriter(output).WriteRecord(file);
        return output;
    }

    private void WriteRecord(KeyFile file)
    {
        output.Write("{\n  "u8);
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

        if (file.FirstVersion is { } first)
        {
            WriteNext(KeyFileNames.FirstVersion);
            WriteNumber(first);
        }

        if (file.StateBeforeDeletion is { } state)
        {
            WriteText(KeyFileNames.StateBeforeDeletion, KeyFileNames.NameOf(state));
        }

        foreach ((string name, byte[] json) in file.Unknown)
        {
            WriteNext(name);
            output.Write(json);
        }

        output.Write("\n}"u8);
    }

    private void WriteMetadata(KeyFile file)
    {
        WriteNext(KeyFileNames.Metadata);
        output.Write("{"u8);
        for (int i = 0; i < file.Metadata.Length; i++)
        {
            output.Write(i == 0 ? "\n    "u8 : ",\n    "u8);
            WriteName(file.Metadata[i].Key);
            WriteQuoted(file.Metadata[i].Value);
        }

        output.Write(file.Metadata.IsEmpty ? "}"u8 : "\n  }"u8);
    }

    private void WriteMaterial(KeyFile file)
    {
        WriteNext(KeyFileNames.Material);
        output.Write("\""u8);
        Span<byte> destination = output.GetSpan(Base64.GetMaxEncodedToUtf8Length(file.Material.Length));
        Base64.EncodeToUtf8(file.Material.Span, destination, out _, out int written);
        output.Advance(written);
        output.Write("\""u8);
    }

    private void WriteNonce(KeyFile file)
    {
        WriteNext(KeyFileNames.Nonce);
        output.Write("["u8);
        for (int i = 0; i < file.Nonce.Length; i++)
        {
            output.Write(i == 0 ? "\n    "u8 : ",\n    "u8);
            WriteNumber(file.Nonce[i]);
        }

        output.Write(file.Nonce.Length == 0 ? "]"u8 : "\n  ]"u8);
    }

    private void WriteText(string name, string? value)
    {
        WriteNext(name);
        if (value is null)
        {
            output.Write("null"u8);
        }
        else
        {
            WriteQuoted(value);
        }
    }

    private void WriteNext(string name)
    {
        output.Write(",\n  "u8);
        WriteName(name);
    }

    private void WriteName(string name)
    {
        WriteQuoted(name);
        output.Write(": "u8);
    }

    private void WriteQuoted(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        output.Advance(EnvelopeText.WriteQuoted(utf8, output.GetSpan(EnvelopeText.QuotedLength(utf8))));
    }

    private void WriteNumber(uint value)
    {
        Span<byte> destination = output.GetSpan(MaxUInt32Digits);
        value.TryFormat(destination, out int written, provider: CultureInfo.InvariantCulture);
        output.Advance(written);
    }
}
