using System.Security.Cryptography;
using System.Text.Json.Nodes;
using KmsSidecar.Doubles.Core;

namespace KmsSidecar.Doubles.Transit;

/// <summary>A Transit mount.</summary>
internal sealed class TransitEngine(TimeProvider clock) : IEngine
{
    private const string DefaultType = "aes256-gcm96";

    private readonly SortedDictionary<string, TransitKey> _keys = new(StringComparer.Ordinal);

    public bool? Exists(string path) => path.Split('/') switch
    {
        ["encrypt", var name] => _keys.ContainsKey(name),
        _ => null,
    };

    public Answer Handle(Call call, string path) => (path.TrimEnd('/').Split('/'), call.Operation) switch
    {
        (["keys"], Operation.List) => List(),
        (["keys", var name], Operation.Read) => Show(name),
        (["keys", var name], Operation.Delete) => Delete(name),
        (["keys", var name], _) => Create(call, name),
        (["keys", var name, "rotate"], Operation.Update) => Change(name, "key not found", static key => key.Rotate()),
        (["keys", var name, "config"], Operation.Update) => Configure(call, name),
        (["keys", var name, "soft-delete"], Operation.Delete) => Change(name, "key not found", static key => key.IsSoftDeleted = true),
        (["keys", var name, "soft-delete-restore"], Operation.Update) => Change(name, "key not found", static key => key.IsSoftDeleted = false),
        (["export", _, var name], Operation.Read) => Export(name),
        (["datakey", var form, var name], Operation.Update) => DataKey(call, form, name),
        (["encrypt", var name], Operation.Update or Operation.Create) => Transform(call, KeyOrNew(call, name), TransitItem.Encrypt),
        (["decrypt", var name], Operation.Update) => Transform(call, Usable(name), TransitItem.Decrypt),
        (["rewrap", var name], Operation.Update) => Transform(call, Usable(name), TransitItem.Rewrap),
        (["keys" or "encrypt" or "decrypt" or "rewrap", ..], _) => throw VaultFailure.UnsupportedOperation(),
        _ => throw VaultFailure.UnsupportedPath(),
    };

    private static Answer Transform(Call call, TransitKey key, Func<TransitItem, TransitKey, JsonObject> action)
    {
        if (!call.Body.ContainsKey("batch_input"))
        {
            return Answer.Data(action(new TransitItem(call.Body, 0, call.IgnoresAssociatedData), key));
        }

        if (call.Body["batch_input"] is not JsonArray { Count: > 0 } batch)
        {
            throw new VaultFailure(400, "missing batch input to process");
        }

        bool hasFailures = false;
        JsonArray results = [];
        foreach ((int index, JsonNode? node) in batch.Index())
        {
            TransitItem item = new((JsonObject)node!, index, call.IgnoresAssociatedData);
            JsonObject result;
            try
            {
                result = action(item, key);
            }
            catch (VaultFailure failure)
            {
                hasFailures = true;
                result = new JsonObject { ["error"] = failure.Message };
                if (action == TransitItem.Decrypt)
                {
                    result["plaintext"] = "";
                }
            }

            result["reference"] = item.Reference;
            results.Add(result);
        }

        return Answer.Data(new JsonObject { ["batch_results"] = results }, hasFailures ? 400 : 200);
    }

    private Answer List() => _keys.Count == 0
        ? throw VaultFailure.NotFound()
        : Answer.Data(new JsonObject { ["keys"] = new JsonArray([.. _keys.Keys.Select(static name => JsonValue.Create(name))]) });

    private Answer Show(string name) => _keys.TryGetValue(name, out TransitKey? key) ? Answer.Data(key.Describe()) : throw VaultFailure.NotFound();

    /// <summary>A key that exists is answered as it is, whatever was asked for.</summary>
    private Answer Create(Call call, string name)
    {
        TransitKeyType type = TransitKeyType.Parse(call.Text("type") ?? DefaultType);
        if (!_keys.TryGetValue(name, out TransitKey? key))
        {
            key = new TransitKey(name, type, call.Flag("derived") == true, clock)
            {
                IsExportable = call.Flag("exportable") == true,
                AllowsPlaintextBackup = call.Flag("allow_plaintext_backup") == true,
                AutoRotatePeriod = call.Duration("auto_rotate_period") ?? TimeSpan.Zero,
            };
            _keys.Add(name, key);
        }

        return Answer.Data(key.Describe());
    }

    private Answer Configure(Call call, string name) => Change(name, $"no existing key named {name} could be found", key =>
    {
        if (call.Number("min_decryption_version") is { } decryption)
        {
            key.MinDecryption = decryption <= key.Latest
                ? (int)Math.Max(decryption, 1)
                : throw new VaultFailure(400, $"cannot set min decryption version of {decryption}, latest key version is {key.Latest}");
        }

        if (call.Number("min_encryption_version") is { } encryption)
        {
            key.MinEncryption = encryption <= key.Latest
                ? (int)encryption
                : throw new VaultFailure(400, $"cannot set min encryption version of {encryption}, latest key version is {key.Latest}");
        }

        key.MayBeDeleted = call.Flag("deletion_allowed") ?? key.MayBeDeleted;
        key.IsExportable |= call.Flag("exportable") == true;
        key.AllowsPlaintextBackup |= call.Flag("allow_plaintext_backup") == true;
        key.AutoRotatePeriod = call.Duration("auto_rotate_period") ?? key.AutoRotatePeriod;
    });

    private Answer Change(string name, string complaint, Action<TransitKey> change)
    {
        TransitKey key = _keys.GetValueOrDefault(name) ?? throw new VaultFailure(400, complaint);
        change(key);
        return Answer.Data(key.Describe());
    }

    private Answer Delete(string name)
    {
        TransitKey key = _keys.GetValueOrDefault(name) ?? throw new VaultFailure(400, $"error deleting policy {name}: could not delete key; not found");
        if (!key.MayBeDeleted)
        {
            throw new VaultFailure(400, $"error deleting policy {name}: deletion is not allowed for this key");
        }

        _keys.Remove(name);
        return Answer.Empty;
    }

    private Answer Export(string name)
    {
        TransitKey key = _keys.GetValueOrDefault(name) ?? throw VaultFailure.NotFound();
        return key.IsExportable
            ? Answer.Data(new JsonObject { ["keys"] = key.Export(), ["name"] = key.Name, ["type"] = key.Type.Name })
            : throw new VaultFailure(400, "private key material is not exportable");
    }

    private Answer DataKey(Call call, string form, string name)
    {
        byte[] plaintext = RandomNumberGenerator.GetBytes((int)(call.Number("bits") ?? 256) / 8);
        Call encryption = new(Operation.Update, call.Path, (JsonObject)call.Body.DeepClone());
        encryption.Body["plaintext"] = Convert.ToBase64String(plaintext);
        JsonObject data = TransitItem.Encrypt(new TransitItem(encryption.Body, 0, call.IgnoresAssociatedData), Usable(name));
        if (form == "plaintext")
        {
            data["plaintext"] = encryption.Text("plaintext");
        }

        return Answer.Data(data);
    }

    /// <summary>Whoever may create makes the key that is not there yet.</summary>
    private TransitKey KeyOrNew(Call call, string name)
    {
        if (call.Operation == Operation.Create && !_keys.ContainsKey(name))
        {
            _keys.Add(name, new TransitKey(name, TransitKeyType.Parse(call.Text("type") ?? DefaultType), isDerived: call.Text("context") is not null, clock));
        }

        return Usable(name);
    }

    private TransitKey Usable(string name) => _keys.GetValueOrDefault(name) switch
    {
        null => throw new VaultFailure(400, "encryption key not found"),
        { IsSoftDeleted: true } => throw new VaultFailure(400, "refusing to use soft-deleted key"),
        TransitKey key => key,
    };
}
