using KmsSidecar.Keys;

namespace KmsSidecar.Backends.Transit;

/// <summary>Member names and spellings of a Transit key's record. States are spelled as in RustFS's API, unlike those of other records.</summary>
internal static class TransitRecordNames
{
    public const string Usage = "key_usage";
    public const string Description = "description";
    public const string Tags = "tags";
    public const string State = "key_state";
    public const string CreatedAt = "created_at";
    public const string DeletionDate = "deletion_date";
    public const string Origin = "origin";
    public const string CreatedBy = "created_by";
    public const string CurrentVersion = "current_version";

    private static readonly (KeyState State, string Name)[] States =
    [
        (KeyState.Enabled, "Enabled"),
        (KeyState.Disabled, "Disabled"),
        (KeyState.PendingDeletion, "PendingDeletion"),
        (KeyState.Unavailable, "Unavailable"),
    ];

    public static string NameOf(KeyState state) => Array.Find(States, row => row.State == state).Name;

    /// <summary>Null also for PendingImport, which RustFS has a name for, and no use.</summary>
    public static KeyState? StateOf(string name) =>
        Array.FindIndex(States, row => row.Name == name) is >= 0 and int at ? States[at].State : null;
}
