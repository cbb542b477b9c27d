using System.Text.Json.Nodes;
using KmsSidecar.Doubles.Core;

namespace KmsSidecar.Doubles.Kv;

/// <summary>One version of a secret.</summary>
internal sealed class KvVersion(int number, JsonObject data, DateTimeOffset created)
{
    public DateTimeOffset Created { get; } = created;

    /// <summary>When it was deleted, but not for good.</summary>
    public DateTimeOffset? Deleted { get; set; }

    /// <summary>Null once destroyed.</summary>
    private JsonObject? Data { get; set; } = data;

    public bool IsThere => Data is not null && Deleted is null;

    public void Destroy() => Data = null;

    /// <summary>As reading the version shows it, also when it is gone.</summary>
    public JsonObject Describe(JsonObject? customMetadata) => new()
    {
        ["data"] = IsThere ? Data!.DeepClone() : null,
        ["metadata"] = DescribeMetadata(customMetadata),
    };

    public JsonObject DescribeMetadata(JsonObject? customMetadata)
    {
        JsonObject metadata = DescribeState();
        metadata["custom_metadata"] = customMetadata?.DeepClone();
        metadata["version"] = number;
        return metadata;
    }

    public JsonObject DescribeState() => new()
    {
        ["created_time"] = GoTime.Format(Created),
        ["deletion_time"] = Deleted is { } deleted ? GoTime.Format(deleted) : "",
        ["destroyed"] = Data is null,
    };
}
