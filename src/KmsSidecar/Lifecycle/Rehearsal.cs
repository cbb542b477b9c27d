using System.Collections.Immutable;
using KmsSidecar.Configuration;
using KmsSidecar.Keys;

namespace KmsSidecar.Lifecycle;

/// <summary>Checks a change as the real one would, and makes nothing: no key, no directory, no generation.</summary>
internal sealed class Rehearsal(BackendMounts mounts, MissingParts missingParts)
{
    /// <param name="generation">What would be stored; stays the caller's.</param>
    /// <exception cref="Errors.KmsException">The real change would fail, for the same reason.</exception>
    public async Task<ChangePreview> RunAsync(StoredGeneration generation, Snapshot current, CancellationToken cancellation)
    {
        KmsConfiguration configuration = KmsConfiguration.From(generation.Document);
        ConfigurationStore.EnsureStorable(generation);
        ImmutableArray<string> wouldCreate = current.IsMeantToRun ? await OpenAsync(generation, configuration, current, cancellation) : [];
        string backend = current.Document is not { } former || !former.HasSameKeys(generation.Document)
            ? "replaced"
            : former.HasSameBackend(generation.Document) ? "kept" : "reopened";
        return new ChangePreview(
            FieldChange.Between(current.Document, generation.Document),
            backend,
            wouldCreate,
            [.. generation.DecryptOnly.Select(static entry => entry.Name)]);
    }

    /// <returns>What would be created.</returns>
    private async Task<ImmutableArray<string>> OpenAsync(
        StoredGeneration generation, KmsConfiguration configuration, Snapshot current, CancellationToken cancellation)
    {
        ImmutableArray<string> missing = missingParts(generation.Document);
        if (!missing.IsEmpty)
        {
            DefaultKey.RequireLegal(configuration);
            return configuration.DefaultKeyId is { } id ? missing.Add($"default key {id}") : missing;
        }

        ImmutableArray<MountedBackend> opened =
            await mounts.MountAsync(generation.Document, OpenMode.Inspect, decryptOnly: [], current.Backends, inTime: false, cancellation);
        try
        {
            IKeyBackend backend = opened[0].Backend!;
            await backend.CheckHealthAsync(cancellation);
            return await DefaultKey.WouldCreateAsync(backend, configuration, generation.Document, current, cancellation)
                ? [$"default key {configuration.DefaultKeyId}"]
                : [];
        }
        finally
        {
            BackendMounts.Release(opened);
        }
    }
}
