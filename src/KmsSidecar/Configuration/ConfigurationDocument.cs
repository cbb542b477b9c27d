using System.Text.Json;
using KmsSidecar.Crypto;

namespace KmsSidecar.Configuration;

/// <summary>A configuration as it was asked for: the backend and the fields that someone set. Defaults are not in it.</summary>
/// <remarks>Immutable. Owns copies of its secrets, and wipes them on <see cref="Dispose"/>.</remarks>
internal sealed class ConfigurationDocument : IDisposable
{
    private readonly SortedDictionary<string, object> _values = new(StringComparer.Ordinal);

    public ConfigurationDocument(BackendType backend) => Backend = backend;

    public BackendType Backend { get; }

    /// <summary>The set fields in order of their names, each with a string, bool, long, <see cref="SecretBytes"/> or
    /// <see cref="Configuration.AuthMethod"/>.</summary>
    public IEnumerable<(ConfigurationField Field, object Value)> Values =>
        _values.Select(entry => (ConfigurationField.Find(entry.Key)!, entry.Value));

    public string? Text(ConfigurationField field) => _values.GetValueOrDefault(field.Name) as string;

    public long? Number(ConfigurationField field) => _values.GetValueOrDefault(field.Name) as long?;

    public bool? Flag(ConfigurationField field) => _values.GetValueOrDefault(field.Name) as bool?;

    /// <summary>Still owned by this document.</summary>
    public SecretBytes? Secret(ConfigurationField field) => _values.GetValueOrDefault(field.Name) as SecretBytes;

    /// <summary>Still owned by this document.</summary>
    public AuthMethod? AuthMethod => _values.GetValueOrDefault(ConfigurationField.AuthMethod.Name) as AuthMethod;

    /// <summary>This configuration with another way to log in.</summary>
    /// <param name="method">Taken over.</param>
    public ConfigurationDocument WithAuthMethod(AuthMethod method)
    {
        ConfigurationDocument copy = Clone();
        copy.AuthMethod?.Dispose();
        copy._values[ConfigurationField.AuthMethod.Name] = method;
        return copy;
    }

    /// <summary>The whole configuration that a patch asks for: what it does not name has its default.</summary>
    public static ConfigurationDocument Replace(ConfigurationPatch patch, BackendType backend)
    {
        ConfigurationDocument document = new(backend);
        document.Apply(patch);
        return document;
    }

    /// <summary>This configuration with a patch over it: a field that the patch does not name keeps its value, <c>null</c> returns it to its
    /// default. Fields of another backend fall away with it.</summary>
    public ConfigurationDocument Merge(ConfigurationPatch patch)
    {
        ConfigurationDocument merged = Clone(patch.Backend ?? Backend);
        merged.Apply(patch);
        return merged;
    }

    public ConfigurationDocument Clone() => Clone(Backend);

    /// <summary>Names of the fields in which two configurations differ, <c>backend_type</c> among them.</summary>
    public static IReadOnlyList<string> Difference(ConfigurationDocument? before, ConfigurationDocument after)
    {
        List<string> changed = [];
        if (before?.Backend != after.Backend)
        {
            changed.Add("backend_type");
        }

        foreach (ConfigurationField field in ConfigurationField.All)
        {
            if (!Same(before?._values.GetValueOrDefault(field.Name), after._values.GetValueOrDefault(field.Name)))
            {
                changed.Add(field.Name);
            }
        }

        return changed;
    }

    /// <summary>One backend instance serves both.</summary>
    public bool HasSameBackend(ConfigurationDocument other) => EffectOf(other) < BackendEffect.Reopen;

    /// <summary>What was wrapped under one is opened under the other.</summary>
    public bool HasSameKeys(ConfigurationDocument other) => EffectOf(other) < BackendEffect.OtherKeys;

    /// <summary>Writes the object that <see cref="Read"/> takes.</summary>
    /// <param name="redacted">False writes secrets in the clear: for sealed storage only.</param>
    public void WriteTo(Utf8JsonWriter writer, bool redacted)
    {
        writer.WriteStartObject();
        writer.WriteString("backend_type", Backend.Tag());
        foreach ((ConfigurationField field, object value) in Values)
        {
            writer.WritePropertyName(field.Name);
            switch (value)
            {
                case SecretBytes or Configuration.AuthMethod when redacted:
                    writer.WriteStringValue("[redacted]");
                    break;
                case SecretBytes secret:
                    writer.WriteStringValue(secret.Span);
                    break;
                case AuthMethod method:
                    method.WriteTo(writer);
                    break;
                case bool flag:
                    writer.WriteBooleanValue(flag);
                    break;
                case long number:
                    writer.WriteNumberValue(number);
                    break;
                default:
                    writer.WriteStringValue((string)value);
                    break;
            }
        }

        writer.WriteEndObject();
    }

    public static ConfigurationDocument Read(ReadOnlySpan<byte> utf8)
    {
        using ConfigurationPatch patch = ConfigurationPatch.Read(utf8, current: null, "a stored configuration names it");
        return Replace(patch, patch.Backend!.Value);
    }

    public void Dispose()
    {
        foreach (IDisposable secret in _values.Values.OfType<IDisposable>())
        {
            secret.Dispose();
        }
    }

    private BackendEffect EffectOf(ConfigurationDocument other) => Backend != other.Backend
        ? BackendEffect.OtherKeys
        : ConfigurationField.All
            .Where(field => !Same(_values.GetValueOrDefault(field.Name), other._values.GetValueOrDefault(field.Name)))
            .Select(field => field.EffectOn(Backend))
            .DefaultIfEmpty(BackendEffect.None)
            .Max();

    private static bool Same(object? one, object? other) => (one, other) switch
    {
        (SecretBytes a, SecretBytes b) => a.FixedTimeEquals(b),
        (AuthMethod a, AuthMethod b) => a.FixedTimeEquals(b),
        _ => Equals(one, other),
    };

    private static object Copy(object value) => value switch
    {
        SecretBytes secret => SecretBytes.CopyOf(secret.Span),
        AuthMethod method => method.Clone(),
        _ => value,
    };

    private ConfigurationDocument Clone(BackendType backend)
    {
        ConfigurationDocument copy = new(backend);
        foreach ((ConfigurationField field, object value) in Values)
        {
            if (field.AppliesTo(backend))
            {
                copy._values[field.Name] = Copy(value);
            }
        }

        return copy;
    }

    private void Apply(ConfigurationPatch patch)
    {
        foreach ((ConfigurationField field, object? value) in patch.Values)
        {
            if (_values.Remove(field.Name, out object? former))
            {
                (former as IDisposable)?.Dispose();
            }

            if (value is not null)
            {
                _values[field.Name] = Copy(value);
            }
        }
    }
}
