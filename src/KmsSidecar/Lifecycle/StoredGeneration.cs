using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using KmsSidecar.Configuration;
using KmsSidecar.Errors;
using KmsSidecar.Json;

namespace KmsSidecar.Lifecycle;

/// <summary>One configuration as it is kept: what it was, and who made it so, when and from where.</summary>
/// <remarks>Owns its documents. The JSON holds secrets in the clear and exists only inside a sealed file.</remarks>
internal sealed class StoredGeneration : IDisposable
{
    /// <summary>Each is one change of the backend. With every field at its longest they stay below the limit of a sealed file.</summary>
    public const int MaxDecryptOnly = 256;

    /// <summary>Counts from 1 and is never used twice.</summary>
    public required long Number { get; init; }

    /// <summary>The generation that a rollback from this one returns to; null when there is none.</summary>
    public long? Parent { get; init; }

    public required DateTimeOffset SavedAt { get; init; }

    /// <summary><c>configure</c>, <c>reconfigure</c>, <c>rollback</c> or <c>drop</c>.</summary>
    public required string Action { get; init; }

    public required Actor Actor { get; init; }

    /// <summary>Names of the fields that differ from the generation before; <c>decrypt_only</c> when a backend was dropped.</summary>
    public ImmutableArray<string> Changed { get; init; } = [];

    /// <summary>Whether the service was to run when this was saved. A later start or stop is in the run-state mark.</summary>
    public bool Running { get; init; }

    public required ConfigurationDocument Document { get; init; }

    public ImmutableArray<DecryptOnlyEntry> DecryptOnly { get; init; } = [];

    public void WriteTo(IBufferWriter<byte> output)
    {
        using Utf8JsonWriter writer = JsonOutput.WriteTo(output);
        writer.WriteStartObject();
        writer.WriteNumber("number", Number);
        if (Parent is { } parent)
        {
            writer.WriteNumber("parent", parent);
        }

        writer.WriteString("saved_at", SavedAt.ToString("O", CultureInfo.InvariantCulture));
        writer.WriteString("action", Action);
        writer.WriteString("by", Actor.Who);
        writer.WriteString("from", Actor.From);
        writer.WriteBoolean("running", Running);
        writer.WriteStartArray("changed");
        foreach (string name in Changed)
        {
            writer.WriteStringValue(name);
        }

        writer.WriteEndArray();
        writer.WritePropertyName("configuration");
        Document.WriteTo(writer, redacted: false);
        writer.WriteStartArray("decrypt_only");
        foreach (DecryptOnlyEntry entry in DecryptOnly)
        {
            entry.WriteTo(writer);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <exception cref="KmsException">The text is not a generation.</exception>
    public static StoredGeneration Read(ReadOnlySpan<byte> utf8)
    {
        long number = 0;
        long? parent = null;
        DateTimeOffset savedAt = default;
        string action = "", by = "", from = "";
        bool running = false;
        ImmutableArray<string> changed = [];
        ConfigurationDocument? document = null;
        ImmutableArray<DecryptOnlyEntry.Stored> decryptOnly = [];

        StrictObject members = new(utf8);
        while (members.Next())
        {
            switch (members.Name)
            {
                case "number":
                    number = members.Number(1, long.MaxValue);
                    break;
                case "parent":
                    parent = members.Number(1, long.MaxValue);
                    break;
                case "saved_at":
                    savedAt = DateTimeOffset.TryParse(members.Text(64), CultureInfo.InvariantCulture, out savedAt)
                        ? savedAt
                        : throw members.Refuse("is not a time");
                    break;
                case "action":
                    action = members.Text(64);
                    break;
                case "by":
                    by = members.Text(256);
                    break;
                case "from":
                    from = members.Text(256);
                    break;
                case "running":
                    running = members.Flag();
                    break;
                case "changed":
                    changed = members.Items(StrictObject.MaxMembers, static (ref item) => item.Text(64));
                    break;
                case "configuration":
                    document = ConfigurationDocument.Read(members.Raw());
                    break;
                case "decrypt_only":
                    decryptOnly = members.Items(MaxDecryptOnly, static (ref item) => DecryptOnlyEntry.Stored.Read(item.Raw()));
                    break;
                default:
                    throw members.Unknown();
            }
        }

        return new StoredGeneration
        {
            Number = number,
            Parent = parent,
            SavedAt = savedAt,
            Action = action,
            Actor = new Actor(by, from),
            Running = running,
            Changed = changed,
            Document = document ?? throw new KmsException(KmsError.MalformedRequest, "the configuration is missing"),
            DecryptOnly = [.. decryptOnly.Select((entry, index) => entry.ToEntry(index, number, savedAt))],
        };
    }

    public void Dispose()
    {
        Document.Dispose();
        foreach (DecryptOnlyEntry entry in DecryptOnly)
        {
            entry.Dispose();
        }
    }
}
