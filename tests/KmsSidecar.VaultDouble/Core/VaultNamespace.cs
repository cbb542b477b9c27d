using System.Security.Cryptography;
using System.Text.Json.Nodes;
using KmsSidecar.Doubles.Policies;

namespace KmsSidecar.Doubles.Core;

/// <param name="path">Empty for the root, else with a slash at its end.</param>
internal sealed class VaultNamespace(string path)
{
    private readonly Dictionary<string, Mount> _mounts = [];

    public string Path { get; } = path;

    /// <summary>Secret engines and auth methods, in the order that they were mounted in.</summary>
    public IEnumerable<Mount> Mounts => _mounts.Values;

    public SortedDictionary<string, Policy> Policies { get; } = new(StringComparer.Ordinal) { ["default"] = Policy.Default };

    private string Id { get; } = RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 6);

    private string LongId { get; } = Guid.NewGuid().ToString();

    public void Add(Mount mount)
    {
        if (!_mounts.TryAdd(mount.Path, mount))
        {
            throw new VaultFailure(400, $"path is already in use at {mount.Path}");
        }
    }

    public void Remove(string mountPath) => _mounts.Remove(mountPath);

    /// <summary>The mount that a path lies in; null where there is none.</summary>
    public Mount? Find(string path)
    {
        for (int end = path.IndexOf('/', StringComparison.Ordinal); end >= 0; end = path.IndexOf('/', end + 1))
        {
            if (_mounts.TryGetValue(path[..(end + 1)], out Mount? mount))
            {
                return mount;
            }
        }

        return null;
    }

    public JsonObject Describe() => new()
    {
        ["custom_metadata"] = new JsonObject(),
        ["id"] = Id,
        ["locked"] = false,
        ["path"] = Path,
        ["tainted"] = false,
        ["uuid"] = LongId,
    };
}
