using System.Text.Json;
using System.Text.Json.Serialization;
using KmsSidecar.Lifecycle;

namespace KmsSidecar.Api;

/// <summary>The state in upstream's spelling: a string, but <c>{"Error":"why"}</c> after a failed start.</summary>
[JsonConverter(typeof(UpstreamStateConverter))]
internal readonly record struct UpstreamState(ServiceState State, string? Error)
{
    public static UpstreamState Of(Snapshot snapshot) => new(snapshot.State, snapshot.Error);
}

internal sealed class UpstreamStateConverter : JsonConverter<UpstreamState>
{
    public override UpstreamState Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException("states are only written");

    public override void Write(Utf8JsonWriter writer, UpstreamState value, JsonSerializerOptions options)
    {
        if (value.State != ServiceState.Error)
        {
            writer.WriteStringValue(value.State.ToString());
            return;
        }

        writer.WriteStartObject();
        writer.WriteString("Error", value.Error);
        writer.WriteEndObject();
    }
}
