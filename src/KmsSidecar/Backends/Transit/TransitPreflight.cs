using System.Collections.Immutable;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Vault;

namespace KmsSidecar.Backends.Transit;

/// <summary>What a person would look at before a Transit backend goes live: the mounts, and what the token may do.</summary>
/// <remarks>Required is what data keys need. A token that may not make or change keys is a good one for a node that does neither, and one without a
/// default key may be for certain keys only; then what is missing is a notice.</remarks>
internal sealed class TransitPreflight(IVault vault, TransitSettings settings, BackendReports reports)
{
    /// <summary>Stands for any key where there is no default key: what a policy grants by wildcard.</summary>
    private const string AnyKey = "any-key";

    private readonly VaultInspection _inspection = new(vault);
    private readonly string _mount = settings.Mount.Trim('/');
    private readonly string _records = settings.MetadataMount.Trim('/');
    private readonly string _prefix = settings.MetadataPrefix.Trim('/');
    private readonly string _keyId = settings.DefaultKeyId ?? AnyKey;

    /// <exception cref="KmsException">BackendRejected: a mount or a capability is missing. A backend error.</exception>
    public async ValueTask RunAsync(OpenMode mode, CancellationToken cancellation)
    {
        await _inspection.RequireMountAsync(_mount, "transit", version: null, cancellation);
        if (mode == OpenMode.Existing)
        {
            await RequireAsync(isRequired: settings.DefaultKeyId is not null, [ToOpen], cancellation);
            return;
        }

        await _inspection.RequireMountAsync(_records, "kv", version: 2, cancellation);
        await RequireAsync(isRequired: settings.DefaultKeyId is not null, ForDataKeys, cancellation);
        await RequireAsync(isRequired: false, ForAdministration, cancellation);
    }

    private NeededCapability ToOpen => new($"{_mount}/decrypt/{_keyId}", ["update"], "to open data keys");

    private ImmutableArray<NeededCapability> ForDataKeys =>
    [
        ToOpen,
        new NeededCapability($"{_mount}/encrypt/{_keyId}", ["update"], "to wrap data keys"),
        new NeededCapability($"{_mount}/keys/{_keyId}", ["read"], "to know keys"),
        new NeededCapability(Below("data", _keyId), ["read"], "to know the state of keys"),
    ];

    private ImmutableArray<NeededCapability> ForAdministration =>
    [
        new NeededCapability($"{_mount}/keys", ["list"], "to list keys"),
        new NeededCapability($"{_mount}/keys/{AnyKey}", ["create", "update", "delete"], "to make and destroy keys"),
        new NeededCapability($"{_mount}/keys/{AnyKey}/config", ["update"], "to destroy keys"),
        new NeededCapability($"{_mount}/keys/{AnyKey}/rotate", ["update"], "to rotate keys"),
        new NeededCapability(Below("data", AnyKey), ["create", "update"], "to make and change keys"),
        new NeededCapability(Below("metadata", AnyKey), ["delete"], "to destroy keys"),
    ];

    private string Below(string kind, string keyId) => _prefix.Length == 0 ? $"{_records}/{kind}/{keyId}" : $"{_records}/{kind}/{_prefix}/{keyId}";

    private async ValueTask RequireAsync(bool isRequired, ImmutableArray<NeededCapability> needed, CancellationToken cancellation)
    {
        try
        {
            await _inspection.RequireCapabilitiesAsync(needed, cancellation);
        }
        catch (KmsException missing) when (!isRequired && missing.Error == KmsError.BackendRejected)
        {
            reports.Notice(missing.Message);
        }
    }
}
