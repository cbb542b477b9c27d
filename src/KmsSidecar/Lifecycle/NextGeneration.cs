using System.Collections.Immutable;
using KmsSidecar.Configuration;
using KmsSidecar.Errors;

namespace KmsSidecar.Lifecycle;

/// <summary>Makes the generation that a change would store, from the one in effect. Stores nothing.</summary>
/// <remarks>For the one who holds the lock of changes. Whoever gets a generation disposes of it.</remarks>
internal sealed class NextGeneration(ConfigurationStore store, SnapshotReference reference, TimeProvider clock)
{
    private const string Drop = "drop";

    private Snapshot Current => reference.Current;

    public StoredGeneration Configured(ConfigurationDocument document, Actor actor) => Next(
        "configure", actor, document, Current.ParentOfNext, Current.DecryptOnlyBeside(document, clock.GetUtcNow()), isMeantToRun: false);

    public StoredGeneration Reconfigured(ConfigurationDocument document, Actor actor) => Next(
        "reconfigure", actor, document, Current.ParentOfNext, Current.DecryptOnlyBeside(document, clock.GetUtcNow()), Current.IsMeantToRun);

    /// <summary>What a rollback asks for, and the number of the generation whose configuration that is.</summary>
    /// <exception cref="KmsException">There is none.</exception>
    public (StoredGeneration Generation, long Target) RolledBack(long? number, Actor actor)
    {
        if (Current.Document is null)
        {
            throw new KmsException(KmsError.WrongState, "there is no configuration to roll back");
        }

        long target = number ?? store.ParentOf(Current.Generation) ?? throw new KmsException(
            KmsError.WrongState, $"generation {Current.Generation} has none before it: there is nothing to go back to");
        using StoredGeneration former = store.Load(target) ?? throw new KmsException(
            KmsError.KeyNotFound, $"generation {target} is not kept; GET /rustfs/admin/v3/kms/config/history lists those that are");
        StoredGeneration generation = Next(
            "rollback",
            actor,
            former.Document,
            former.Parent,
            Current.DecryptOnlyBeside(former.Document, clock.GetUtcNow(), former.DecryptOnly),
            Current.IsMeantToRun);
        return (generation, target);
    }

    /// <param name="dropped">Of the decrypt-only list.</param>
    public StoredGeneration Without(DecryptOnlyEntry dropped, Actor actor) => Next(
        Drop, actor, Current.Document!, Current.ParentOfNext, Current.DecryptOnlyWithout(dropped), Current.IsMeantToRun);

    /// <param name="decryptOnly">Taken over.</param>
    private StoredGeneration Next(
        string action, Actor actor, ConfigurationDocument document, long? parent, ImmutableArray<DecryptOnlyEntry> decryptOnly, bool isMeantToRun)
    {
        return new StoredGeneration
        {
            Number = store.NextNumber(),
            Parent = parent,
            SavedAt = clock.GetUtcNow(),
            Action = action,
            Actor = actor,
            Changed = action == Drop ? ["decrypt_only"] : [.. ConfigurationDocument.Difference(Current.Document, document)],
            Running = isMeantToRun,
            DecryptOnly = decryptOnly,
            Document = document.Clone(),
        };
    }
}
