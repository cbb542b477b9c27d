using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Json;

namespace KmsSidecar.Configuration;

/// <summary>What a <c>configure</c> or <c>reconfigure</c> body says: fields with a value, fields set to null, and silence about the rest.</summary>
/// <remarks>Owns its secrets and wipes them on <see cref="Dispose"/>; documents made from it copy them.</remarks>
internal sealed class ConfigurationPatch : IDisposable
{
    private readonly Dictionary<string, object?> _values = new(StringComparer.Ordinal);

    private ConfigurationPatch(BackendType? backend) => Backend = backend;

    /// <summary>Null when the body leaves it out.</summary>
    public BackendType? Backend { get; }

    public IEnumerable<(ConfigurationField Field, object? Value)> Values =>
        _values.Select(entry => (ConfigurationField.Find(entry.Key)!, entry.Value));

    /// <param name="utf8">The request body.</param>
    /// <param name="current">The backend whose fields are meant when the body does not name one; null when there is none yet.</param>
    /// <param name="whyRequired">Why the backend must be named when <paramref name="current"/> is null.</param>
    /// <exception cref="KmsException">MalformedRequest, InvalidConfiguration, or Unsupported for a backend that this build does not have.</exception>
    public static ConfigurationPatch Read(ReadOnlySpan<byte> utf8, BackendType? current, string whyRequired)
    {
        BackendType? named = FindBackendType(utf8);
        BackendType backend = named ?? current ?? throw new KmsException(
            KmsError.MalformedRequest, $"member 'backend_type' is missing: {whyRequired}");

        ConfigurationPatch patch = new(named);
        try
        {
            StrictObject members = new(utf8);
            while (members.Next())
            {
                patch.Take(ref members, backend);
            }

            return patch;
        }
        catch
        {
            patch.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (IDisposable secret in _values.Values.OfType<IDisposable>())
        {
            secret.Dispose();
        }
    }

    /// <summary>The backend decides which fields are known, and may stand anywhere in the object.</summary>
    private static BackendType? FindBackendType(ReadOnlySpan<byte> utf8)
    {
        BackendType? found = null;
        StrictObject members = new(utf8);
        while (members.Next())
        {
            if (members.Name != "backend_type")
            {
                members.Skip();
                continue;
            }

            string name = members.Text(32);
            if (BackendTypes.TryParse(name, out BackendType type))
            {
                found = type;
            }
            else if (BackendTypes.IsKnownElsewhere(name))
            {
                throw new KmsException(KmsError.Unsupported, $"backend_type '{name}' is not in this build; it has 'local', 'static', 'vault', 'vault-transit' and 'vault-kv2'");
            }
            else
            {
                throw members.Refuse("names no backend; 'local', 'static', 'vault', 'vault-transit' and 'vault-kv2' are known");
            }
        }

        return found;
    }

    private static object? ReadValue(ref StrictObject members, ConfigurationField field) => members.IsNull ? null : field.Kind switch
    {
        FieldKind.Flag => members.Flag(),
        FieldKind.Number => members.Number(field.Min, field.Max),
        FieldKind.Secret => ReadSecret(ref members, field),
        FieldKind.AuthMethod => AuthMethod.Read(ref members),
        _ => ReadText(ref members, field),
    };

    private static string ReadText(ref StrictObject members, ConfigurationField field)
    {
        string text = members.Text((int)field.Max);
        if (text.Length < field.Min)
        {
            throw members.Refuse("must not be empty; null returns it to its default");
        }

        return text.Any(char.IsControl) ? throw members.Refuse("must not contain control characters") : text;
    }

    private static SecretBytes ReadSecret(ref StrictObject members, ConfigurationField field)
    {
        using SecretBytes buffer = SecretBytes.Allocate((int)field.Max);
        int length = members.TextBytes(buffer.Span);
        return length >= field.Min
            ? SecretBytes.CopyOf(buffer.Span[..length])
            : throw members.Refuse("must not be empty; null returns it to its default");
    }

    private void Take(ref StrictObject members, BackendType backend)
    {
        if (members.Name == "backend_type")
        {
            return;
        }

        if (backend == BackendType.Static && members.Name is "key_id" or "secret_key")
        {
            throw members.Refuse("cannot be set here: the static key comes from --static-key-file or the systemd credential static-key");
        }

        ConfigurationField field = ConfigurationField.Find(members.Name) ?? throw members.Unknown();
        if (!field.AppliesTo(backend))
        {
            throw members.Refuse($"does not belong to backend '{backend.Tag()}'");
        }

        object? value = ReadValue(ref members, field);
        if (value is null && field.Kind == FieldKind.AuthMethod && !members.IsNull)
        {
            // A blank token: the method stays as it is.
            return;
        }

        _values[field.Name] = value;
    }
}
