using System.Text.Json.Nodes;
using KmsSidecar.Doubles.Core;

namespace KmsSidecar.Doubles.Kv;

/// <summary>A KV mount without versions: <c>data/x</c> is a path as any other.</summary>
internal sealed class KvV1Engine : IEngine
{
    private readonly Dictionary<string, JsonObject> _secrets = new(StringComparer.Ordinal);

    public bool? Exists(string path) => _secrets.ContainsKey(path);

    public Answer Handle(Call call, string path)
    {
        switch (call.Operation)
        {
            case Operation.List:
                return KvListing.Of(_secrets.Keys, path);
            case Operation.Read:
                return Answer.Data((JsonObject)(_secrets.GetValueOrDefault(path) ?? throw VaultFailure.NotFound()).DeepClone());
            case Operation.Delete:
                _secrets.Remove(path);
                return Answer.Empty;
            case Operation.Create or Operation.Update:
                _secrets[path] = (JsonObject)call.Body.DeepClone();
                return Answer.Empty;
            default:
                throw VaultFailure.UnsupportedOperation();
        }
    }
}
