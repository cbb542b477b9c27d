using System.Buffers;
using System.Text.Json;
using KmsSidecar.Configuration;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Json;

namespace KmsSidecar.CommandLine.Apply;

/// <summary>The whole configuration that a file asks for: what it does not name has its default.</summary>
internal sealed class DesiredConfiguration : IDisposable
{
    private readonly SecretBuffer _text = new();
    private readonly BackendType _backend;

    private DesiredConfiguration(ReadOnlySpan<byte> json, ConfigurationPatch patch)
    {
        _text.Write(json);
        _backend = patch.Backend!.Value;
        DefaultKeyId = patch.Values.FirstOrDefault(static entry => entry.Field == ConfigurationField.DefaultKeyId).Value as string;
    }

    public string? DefaultKeyId { get; }

    /// <exception cref="KmsException">It is none that a daemon of this version takes; the message names the member.</exception>
    public static DesiredConfiguration Read(ReadOnlySpan<byte> json)
    {
        using ConfigurationPatch patch = ConfigurationPatch.Read(json, current: null, "a configuration begins with it");
        return new DesiredConfiguration(json, patch);
    }

    /// <summary>The body of a configure.</summary>
    public SecretBuffer ToConfigure()
    {
        SecretBuffer body = new();
        body.Write(_text.WrittenSpan);
        return body;
    }

    /// <summary>The body of a reconfigure that leaves nothing of the former configuration: what is not named is returned to its default.</summary>
    /// <param name="defaultKeyId">In the place of the file's; null for none.</param>
    public SecretBuffer ToReconfigure(string? defaultKeyId)
    {
        SecretBuffer body = new();
        using Utf8JsonWriter writer = JsonOutput.WriteTo(body);
        writer.WriteStartObject();
        HashSet<string> named = [ConfigurationField.DefaultKeyId.Name];
        StrictObject members = new(_text.WrittenSpan);
        while (members.Next())
        {
            if (named.Add(members.Name))
            {
                writer.WritePropertyName(members.Name);
                writer.WriteRawValue(members.Raw());
            }
            else
            {
                members.Skip();
            }
        }

        writer.WriteString(ConfigurationField.DefaultKeyId.Name, defaultKeyId);
        foreach (ConfigurationField field in ConfigurationField.All)
        {
            if (field.AppliesTo(_backend) && named.Add(field.Name))
            {
                writer.WriteNull(field.Name);
            }
        }

        writer.WriteEndObject();
        return body;
    }

    public void Dispose() => _text.Dispose();
}
