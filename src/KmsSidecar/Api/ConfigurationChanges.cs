using System.Collections.Immutable;
using System.Text.Json;
using KmsSidecar.Configuration;

namespace KmsSidecar.Api;

/// <summary>Field changes as JSON: <c>"changes":{"cache_ttl_seconds":{"before":300,"after":600,"changed":true}}</c>.</summary>
internal static class ConfigurationChanges
{
    public static void Write(Utf8JsonWriter writer, ImmutableArray<FieldChange> changes)
    {
        writer.WriteStartObject("changes");
        foreach (FieldChange change in changes)
        {
            writer.WriteStartObject(change.Name);
            WriteValue(writer, "before", change.Before);
            WriteValue(writer, "after", change.After);
            writer.WriteBoolean("changed", change.IsChanged);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    public static void WriteNames(Utf8JsonWriter writer, string member, IEnumerable<string> names)
    {
        writer.WriteStartArray(member);
        foreach (string name in names)
        {
            writer.WriteStringValue(name);
        }

        writer.WriteEndArray();
    }

    private static void WriteValue(Utf8JsonWriter writer, string member, object? value)
    {
        switch (value)
        {
            case null:
                writer.WriteNull(member);
                break;
            case bool flag:
                writer.WriteBoolean(member, flag);
                break;
            case long number:
                writer.WriteNumber(member, number);
                break;
            default:
                writer.WriteString(member, (string)value);
                break;
        }
    }
}
