using System.Globalization;
using System.Text.Json.Nodes;
using KmsSidecar.Doubles.Core;

namespace KmsSidecar.Doubles.Kv;

/// <summary>All versions at one path.</summary>
internal sealed class KvSecret(DateTimeOffset created)
{
    /// <summary>How many are kept where nothing else is set.</summary>
    private const int DefaultMaxVersions = 10;

    private readonly SortedDictionary<int, KvVersion> _versions = [];
    private DateTimeOffset? _updated;

    public int Current { get; private set; }

    public int MaxVersions { get; set; }

    public bool RequiresCas { get; set; }

    public JsonObject? CustomMetadata { get; set; }

    /// <param name="number">0 for the current one.</param>
    public KvVersion? Find(int number) => _versions.GetValueOrDefault(number == 0 ? Current : number);

    /// <param name="mountMaxVersions">0 where the mount sets none.</param>
    public KvVersion Add(JsonObject data, DateTimeOffset now, int mountMaxVersions)
    {
        Current++;
        _updated = now;
        KvVersion version = new(Current, data, now);
        _versions.Add(Current, version);
        int kept = MaxVersions > 0 ? MaxVersions : mountMaxVersions > 0 ? mountMaxVersions : DefaultMaxVersions;
        while (_versions.Count > kept)
        {
            _versions.Remove(_versions.Keys.First());
        }

        return version;
    }

    public JsonObject Describe() => new()
    {
        ["cas_required"] = RequiresCas,
        ["created_time"] = GoTime.Format(created),
        ["current_metadata_version"] = 0,
        ["current_version"] = Current,
        ["custom_metadata"] = CustomMetadata?.DeepClone(),
        ["delete_version_after"] = "0s",
        ["max_versions"] = MaxVersions,
        ["metadata_cas_required"] = false,
        ["oldest_version"] = _versions.Count > 0 && _versions.Keys.First() > 1 ? _versions.Keys.First() : 0,
        ["updated_time"] = GoTime.Format(_updated ?? created),
        ["versions"] = new JsonObject(_versions.Select(static version =>
            KeyValuePair.Create<string, JsonNode?>(version.Key.ToString(CultureInfo.InvariantCulture), version.Value.DescribeState()))),
    };
}
