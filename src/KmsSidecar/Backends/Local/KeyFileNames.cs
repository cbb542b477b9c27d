using KmsSidecar.Keys;

namespace KmsSidecar.Backends.Local;

/// <summary>Member names and spellings of a key record.</summary>
internal static class KeyFileNames
{
    public const string FormatVersion = "format_version";
    public const string KeyId = "key_id";
    public const string Version = "version";
    public const string Algorithm = "algorithm";
    public const string Usage = "usage";
    public const string Status = "status";
    public const string Description = "description";
    public const string Metadata = "metadata";
    public const string CreatedAt = "created_at";
    public const string RotatedAt = "rotated_at";
    public const string CreatedBy = "created_by";
    public const string DeletionDate = "deletion_date";
    public const string Material = "encrypted_key_material";
    public const string Nonce = "nonce";
    public const string Protection = "at_rest_protection";
    public const string FirstVersion = "kms_sidecar_first_version";
    public const string StateBeforeDeletion = "kms_sidecar_state_before_deletion";

    public const string EncryptDecrypt = "EncryptDecrypt";
    public const string SignVerify = "SignVerify";

    private static readonly (KeyState State, string Name)[] States =
    [
        (KeyState.Enabled, "Active"),
        (KeyState.Disabled, "Disabled"),
        (KeyState.PendingDeletion, "PendingDeletion"),
        (KeyState.Unavailable, "Deleted"),
    ];

    private static readonly (AtRestProtection Protection, string Name)[] Protections =
    [
        (AtRestProtection.EncryptedMasterKey, "encrypted-master-key"),
        (AtRestProtection.PlaintextDevOnly, "plaintext-dev-only"),
        (AtRestProtection.LegacyUnspecified, "legacy-unspecified"),
    ];

    public static string NameOf(KeyState state) => Array.Find(States, row => row.State == state).Name;

    public static string NameOf(AtRestProtection protection) => Array.Find(Protections, row => row.Protection == protection).Name;

    public static KeyState? StateOf(string name) =>
        Array.FindIndex(States, row => row.Name == name) is >= 0 and int at ? States[at].State : null;

    public static AtRestProtection? ProtectionOf(string name) =>
        Array.FindIndex(Protections, row => row.Name == name) is >= 0 and int at ? Protections[at].Protection : null;
}
