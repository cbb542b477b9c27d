using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using KmsSidecar.Backends.Local;

namespace KmsSidecar.Backends.Transit;

/// <summary>Writes the record of a Transit key with RustFS's members in RustFS's order, then ours, then those that nobody here knows.</summary>
internal static class TransitRecordWriter
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Write(TransitRecord record)
    {
        ArrayBufferWriter<byte> output = new();
        using (Utf8JsonWriter json = new(output, Options))
        {
            json.WriteStartObject();
            json.WriteString(TransitRecordNames.Usage, record.Usage);
            json.WriteString(TransitRecordNames.Description, record.Description);
            json.WriteStartObject(TransitRecordNames.Tags);
            foreach ((string name, string value) in record.Tags)
            {
                json.WriteString(name, value);
            }

            json.WriteEndObject();
            json.WriteString(TransitRecordNames.State, TransitRecordNames.NameOf(record.State));
            json.WriteString(TransitRecordNames.CreatedAt, record.CreatedAt);
            json.WriteString(TransitRecordNames.DeletionDate, record.DeletionDate);
            json.WriteString(TransitRecordNames.Origin, record.Origin);
            json.WriteString(TransitRecordNames.CreatedBy, record.CreatedBy);
            json.WriteNumber(TransitRecordNames.CurrentVersion, record.CurrentVersion);
            if (record.StateBeforeDeletion is { } state)
            {
                json.WriteString(KeyFileNames.StateBeforeDeletion, TransitRecordNames.NameOf(state));
            }

            foreach ((string name, byte[] value) in record.Unknown)
            {
                json.WritePropertyName(name);
                json.WriteRawValue(value);
            }

            json.WriteEndObject();
        }

        return output.WrittenSpan.ToArray();
    }
}
