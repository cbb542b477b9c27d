using System.Globalization;
using System.Text.Json.Nodes;
using KmsSidecar.Doubles.Core;

namespace KmsSidecar.Doubles.Kv;

/// <summary>A KV mount with versions.</summary>
internal sealed class KvV2Engine(TimeProvider clock) : IEngine
{
    private readonly Dictionary<string, KvSecret> _secrets = new(StringComparer.Ordinal);
    private bool _requiresCas;
    private int _maxVersions;

    public bool? Exists(string path) => Split(path) switch
    {
        ("data", var secret) => Find(secret)?.Find(0)?.IsThere == true,
        ("metadata", var secret) => Find(secret) is not null,
        _ => null,
    };

    public Answer Handle(Call call, string path)
    {
        (string area, string secret) = Split(path);
        switch (area, call.Operation)
        {
            case ("config", Operation.Read):
                return Config();
            case ("config", Operation.Update):
                _requiresCas = call.Flag("cas_required") ?? _requiresCas;
                _maxVersions = (int?)call.Number("max_versions") ?? _maxVersions;
                return Answer.Empty;
            case ("data", Operation.Read):
                return Read(call, secret);
            case ("data", Operation.Create or Operation.Update):
                return Write(call, secret);
            case ("data", Operation.Delete):
                return ForEach(secret, [0], version => version.Deleted ??= clock.GetUtcNow());
            case ("delete", Operation.Update):
                return ForEach(secret, Versions(call), version => version.Deleted ??= clock.GetUtcNow());
            case ("undelete", Operation.Update):
                return ForEach(secret, Versions(call), static version => version.Deleted = null);
            case ("destroy", Operation.Update):
                return ForEach(secret, Versions(call), static version => version.Destroy());
            case ("metadata", Operation.List):
                return KvListing.Of(_secrets.Keys, secret);
            case ("metadata", Operation.Read):
                return Answer.Data((Find(secret) ?? throw VaultFailure.NotFound()).Describe());
            case ("metadata", Operation.Create or Operation.Update):
                return Describe(call, secret);
            case ("metadata", Operation.Delete):
                _secrets.Remove(secret);
                return Answer.Empty;
            case ("config" or "data" or "delete" or "undelete" or "destroy" or "metadata", _):
                throw VaultFailure.UnsupportedOperation();
            default:
                return Answer.Warning(
                    404,
                    "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. If using the Vault CLI, use 'vault kv "
                    + (call.Operation == Operation.Read ? "get" : "put") + "' for this operation.");
        }
    }

    private static (string Area, string Secret) Split(string path)
    {
        int slash = path.IndexOf('/', StringComparison.Ordinal);
        return slash < 0 ? (path, "") : (path[..slash], path[(slash + 1)..]);
    }

    private static int[] Versions(Call call) => call.Body["versions"] is JsonArray { Count: > 0 } versions
        ? [.. versions.Select(static version => version!.GetValue<int>())]
        : throw new VaultFailure(400, "No version number provided");

    private KvSecret? Find(string path) => _secrets.GetValueOrDefault(path);

    private Answer Config() => Answer.Data(new JsonObject
    {
        ["cas_required"] = _requiresCas,
        ["delete_version_after"] = "0s",
        ["max_versions"] = _maxVersions,
        ["metadata_cas_required"] = false,
    });

    private Answer Read(Call call, string path)
    {
        int number = call.Query.TryGetValue("version", out string? text) ? int.Parse(text, CultureInfo.InvariantCulture) : 0;
        KvSecret? secret = Find(path);
        KvVersion version = secret?.Find(number) ?? throw VaultFailure.NotFound();
        return Answer.Data(version.Describe(secret!.CustomMetadata), version.IsThere ? 200 : 404);
    }

    private Answer Write(Call call, string path)
    {
        KvSecret? secret = Find(path);
        long? cas = (call.Body["options"] as JsonObject)?["cas"]?.GetValue<long>();
        if (cas is null && (_requiresCas || secret?.RequiresCas == true))
        {
            throw new VaultFailure(400, "check-and-set parameter required for this call");
        }

        if (call.Body["data"] is not JsonObject data)
        {
            throw new VaultFailure(400, "no data provided");
        }

        if (cas is not null && cas != (secret?.Current ?? 0))
        {
            throw new VaultFailure(400, "check-and-set parameter did not match the current version");
        }

        DateTimeOffset now = clock.GetUtcNow();
        secret ??= _secrets[path] = new KvSecret(now);
        return Answer.Data(secret.Add((JsonObject)data.DeepClone(), now, _maxVersions).DescribeMetadata(secret.CustomMetadata));
    }

    private Answer Describe(Call call, string path)
    {
        KvSecret secret = Find(path) ?? (_secrets[path] = new KvSecret(clock.GetUtcNow()));
        secret.RequiresCas = call.Flag("cas_required") ?? secret.RequiresCas;
        secret.MaxVersions = (int?)call.Number("max_versions") ?? secret.MaxVersions;
        secret.CustomMetadata = call.Body["custom_metadata"]?.DeepClone() as JsonObject ?? secret.CustomMetadata;
        return Answer.Empty;
    }

    private Answer ForEach(string path, int[] numbers, Action<KvVersion> change)
    {
        foreach (int number in numbers)
        {
            if (Find(path)?.Find(number) is { } version)
            {
                change(version);
            }
        }

        return Answer.Empty;
    }
}
