using System.Collections.Immutable;

namespace KmsSidecar.Vault;

/// <summary>What Transit says of a key.</summary>
internal sealed record TransitKey
{
    /// <summary>The types that authenticate <c>associated_data</c>.</summary>
    private static readonly ImmutableArray<string> Aead = ["aes256-gcm96", "aes128-gcm96", "chacha20-poly1305", "xchacha20-poly1305"];

    /// <summary>The type of the keys that are made here; RustFS's.</summary>
    public const string DefaultType = "aes256-gcm96";

    public required string Name { get; init; }

    public required string Type { get; init; }

    public bool IsDerived { get; init; }

    public bool IsSoftDeleted { get; init; }

    public bool IsDeletionAllowed { get; init; }

    /// <summary>At least one, oldest first. Those below <c>min_decryption_version</c>, which open nothing any more, are not among them.</summary>
    public required ImmutableArray<TransitKeyVersion> Versions { get; init; }

    /// <summary>What encrypts now.</summary>
    public TransitKeyVersion Newest => Versions[^1];

    /// <summary>One sentence, or null when it can be used.</summary>
    /// <param name="mount">Where it is.</param>
    public string? WhyUnusable(string mount)
    {
        if (IsSoftDeleted)
        {
            return $"transit key '{Name}' is soft-deleted; restore it: bao write -f {mount}/keys/{Name}/soft-delete-restore";
        }

        string? because = IsDerived ? "is derived, so that each use of it needs a context of Vault's own"
            : Aead.Contains(Type) ? null
            : $"is of type {Type}, which takes no associated data";
        return because is null ? null
            : $"transit key '{Name}' {because}; use another key: vault write {mount}/keys/OTHER-NAME type={DefaultType}";
    }
}

/// <param name="CreatedAt">To the second for symmetric keys.</param>
internal readonly record struct TransitKeyVersion(uint Number, DateTimeOffset CreatedAt);
