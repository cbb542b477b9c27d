using System.Globalization;
using System.Text.Json;
using KmsSidecar.Configuration;
using KmsSidecar.Errors;
using KmsSidecar.Json;

namespace KmsSidecar.Lifecycle;

/// <summary>A former backend that still opens what it wrapped: its name for operators, since when, and its configuration.</summary>
/// <remarks>Owns its document. Copies share one <see cref="LastUse"/>, so that an opening counts whichever snapshot it ran on.</remarks>
internal sealed class DecryptOnlyEntry(string name, DateTimeOffset since, ConfigurationDocument document, LastUse use) : IDisposable
{
    public const int MaxNameLength = 64;

    /// <summary>Backend and the generation that was last active with it, for example <c>local-3</c>. Stays with the entry for its life.</summary>
    public string Name { get; } = name;

    /// <summary>When it became decrypt-only, or was brought back as such.</summary>
    public DateTimeOffset Since { get; } = since;

    public ConfigurationDocument Document { get; } = document;

    public LastUse Use { get; } = use;

    public static string NameOf(BackendType backend, long generation) => string.Create(CultureInfo.InvariantCulture, $"{backend.Tag()}-{generation}");

    /// <summary>Null when it has opened nothing since it became decrypt-only.</summary>
    public DateTimeOffset? LastUsedAt(DateTimeOffset now) =>
        Use.Settle(now) is { } at && at.ToUnixTimeSeconds() >= Since.ToUnixTimeSeconds() ? at : null;

    /// <summary>Counts from the last use or, without one, from the moment it became decrypt-only: not knowing is no proof that nobody needs it.</summary>
    /// <param name="keys">How many keys it holds; null when that is not known.</param>
    /// <exception cref="KmsException">WrongState, with the mend.</exception>
    public void RefuseDropWhileNeeded(DateTimeOffset now, TimeSpan grace, int? keys)
    {
        DateTimeOffset? used = LastUsedAt(now);
        if (now - (used ?? Since) >= grace)
        {
            return;
        }

        string holds = keys is { } count ? string.Create(CultureInfo.InvariantCulture, $"holds {count} keys") : "holds keys that cannot be counted now";
        string last = used is { } at
            ? string.Create(CultureInfo.InvariantCulture, $"opened an envelope at {at:yyyy-MM-dd'T'HH:mm:ss'Z'}")
            : string.Create(CultureInfo.InvariantCulture, $"is decrypt-only since {Since.ToUniversalTime():yyyy-MM-dd'T'HH:mm:ss'Z'} and has opened nothing yet");
        throw new KmsException(
            KmsError.WrongState,
            string.Create(
                CultureInfo.InvariantCulture,
                $"decrypt-only backend {Name} {holds} and {last}, within decrypt_only_grace_days ({grace.TotalDays:0}): rewrap what it wrapped, or drop it with {{\"force\":true}}"));
    }

    /// <summary>The copy is the caller's to dispose.</summary>
    /// <param name="since">A new beginning, for one that is brought back; null to keep it.</param>
    public DecryptOnlyEntry Clone(DateTimeOffset? since = null) => new(Name, since ?? Since, Document.Clone(), Use);

    /// <summary>Secrets in the clear: for sealed storage only.</summary>
    public void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("name", Name);
        writer.WriteString("since", Since.ToString("O", CultureInfo.InvariantCulture));
        writer.WritePropertyName("configuration");
        Document.WriteTo(writer, redacted: false);
        writer.WriteEndObject();
    }

    /// <summary>What is stored of an entry. Version 0.1 stored the configuration alone: such an entry has no name and no time yet.</summary>
    internal readonly record struct Stored(string? Name, DateTimeOffset? Since, ConfigurationDocument Document)
    {
        public static Stored Read(ReadOnlySpan<byte> utf8)
        {
            string? name = null;
            DateTimeOffset? since = null;
            ConfigurationDocument? document = null;
            StrictObject members = new(utf8);
            while (members.Next())
            {
                switch (members.Name)
                {
                    case "backend_type" when name is null:
                        return new Stored(null, null, ConfigurationDocument.Read(utf8));
                    case "name":
                        name = members.Text(MaxNameLength);
                        break;
                    case "since":
                        since = DateTimeOffset.TryParse(members.Text(64), CultureInfo.InvariantCulture, out DateTimeOffset time)
                            ? time
                            : throw members.Refuse("is not a time");
                        break;
                    case "configuration":
                        document = ConfigurationDocument.Read(members.Raw());
                        break;
                    default:
                        throw members.Unknown();
                }
            }

            return new Stored(name, since, document ?? throw new KmsException(KmsError.MalformedRequest, "a decrypt-only configuration is missing"));
        }

        /// <summary>An entry without a name gets one from its place: the first became decrypt-only with this generation, the others before it.</summary>
        public DecryptOnlyEntry ToEntry(int index, long generation, DateTimeOffset savedAt) =>
            new(Name ?? NameOf(Document.Backend, generation - 1 - index), Since ?? savedAt, Document, new LastUse());
    }

    public void Dispose() => Document.Dispose();
}
