using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Vault;

namespace KmsSidecar.Backends.Kv2;

/// <summary>What a person would look at before a store goes live: that the mount is there and is KV v2, and that the token may do what is needed.</summary>
internal static class Kv2Preflight
{
    /// <param name="mode">Where the store was in use before, reading is all that is asked for: whether a decrypt-only one may be written to does not
    /// matter, and a node whose token lost a right still comes back.</param>
    /// <exception cref="KmsException">BackendRejected, with the mend; or a backend error.</exception>
    public static async Task RunAsync(IVault vault, KeyValueStore store, OpenMode mode, CancellationToken cancellation)
    {
        VaultInspection inspection = new(vault);
        await inspection.RequireMountAsync(store.Mount, "kv", version: 2, cancellation);
        NeededCapability read = new(store.DataPath("*"), ["read"], "to read keys");
        if (mode == OpenMode.Existing)
        {
            await inspection.RequireCapabilitiesAsync([read], cancellation);
            return;
        }

        await inspection.RequireCapabilitiesAsync(
            [
                new NeededCapability(read.Path, ["create", "read", "update"], "to make, read and change keys"),
                new NeededCapability(store.MetadataPath("*"), ["list", "delete"], "to list and destroy keys"),
            ],
            cancellation);
    }
}
