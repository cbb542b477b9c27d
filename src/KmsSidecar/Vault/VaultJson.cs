using System.Buffers;
using System.Text.Json;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;

namespace KmsSidecar.Vault;

/// <summary>Reads something out of a body.</summary>
internal delegate T JsonMember<T>(ReadOnlySpan<byte> json);

/// <summary>Single members of an answer, read without a string of what is secret. What is malformed is a <see cref="JsonException"/>.</summary>
internal static class VaultJson
{
    /// <summary>Reads a body that may be anything.</summary>
    /// <exception cref="KmsException">BackendRejected: it is not what Vault answers.</exception>
    public static T Read<T>(string server, VaultCall call, VaultAnswer answer, JsonMember<T> read)
    {
        try
        {
            return read(answer.Body);
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            // Without the reader's exception, which may quote what it read. InvalidOperation is text that is not UTF-8.
            throw NotVaults(server, call);
        }
    }

    public static KmsException NotVaults(string server, VaultCall call) => new(
        KmsError.BackendRejected, $"what answered {call.Operation} at {server} is not Vault: its JSON has another shape; check the address, and whatever stands before Vault");

    /// <summary>Positions on the value of a member of a member: <c>auth</c>, <c>lease_duration</c>. False where there is none, or a null.</summary>
    public static bool TryFind(ReadOnlySpan<byte> json, ReadOnlySpan<byte> outer, ReadOnlySpan<byte> inner, out Utf8JsonReader value)
    {
        value = new Utf8JsonReader(json);
        return value.Read() && TryEnter(ref value, outer) && TryEnter(ref value, inner);
    }

    /// <summary>From the start of an object to the value of one of its members. False where there is none, or a null, or no object.</summary>
    public static bool TryEnter(ref Utf8JsonReader reader, ReadOnlySpan<byte> name)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isIt = reader.ValueTextEquals(name);
            reader.Read();
            if (isIt)
            {
                return reader.TokenType != JsonTokenType.Null;
            }

            reader.Skip();
        }

        return false;
    }

    /// <summary>Seconds; zero where there are none. Vault's own never are negative or longer than a century.</summary>
    public static TimeSpan ReadSeconds(ReadOnlySpan<byte> json, ReadOnlySpan<byte> outer, ReadOnlySpan<byte> inner) =>
        !TryFind(json, outer, inner, out Utf8JsonReader value) ? TimeSpan.Zero
        : value.TokenType == JsonTokenType.Number && value.TryGetInt64(out long seconds) && seconds is >= 0 and < 4_000_000_000 ? TimeSpan.FromSeconds(seconds)
        : throw new JsonException("a number of seconds is expected");

    public static bool ReadBoolean(ReadOnlySpan<byte> json, ReadOnlySpan<byte> outer, ReadOnlySpan<byte> inner) =>
        TryFind(json, outer, inner, out Utf8JsonReader value) && value.TokenType == JsonTokenType.True;

    /// <returns>The caller's; null where there is none.</returns>
    public static SecretBytes? ReadSecret(ReadOnlySpan<byte> json, ReadOnlySpan<byte> outer, ReadOnlySpan<byte> inner, int maxBytes)
    {
        if (!TryFind(json, outer, inner, out Utf8JsonReader value) || value.TokenType != JsonTokenType.String || value.ValueSpan.Length > maxBytes)
        {
            return null;
        }

        using SecretBuffer text = new(value.ValueSpan.Length + 1);
        text.Advance(value.CopyString(text.GetSpan(value.ValueSpan.Length + 1)));
        return SecretBytes.CopyOf(text.WrittenSpan);
    }

    /// <summary>An object of texts. The last value is the secret.</summary>
    /// <returns>The caller's to wipe.</returns>
    public static SecretBuffer WriteObject(string name, string value, string secretName, ReadOnlySpan<byte> secret)
    {
        SecretBuffer body = new(256 + secret.Length);
        using Utf8JsonWriter writer = new((IBufferWriter<byte>)body);
        writer.WriteStartObject();
        writer.WriteString(name, value);
        writer.WriteString(secretName, secret);
        writer.WriteEndObject();
        writer.Flush();
        return body;
    }
}
