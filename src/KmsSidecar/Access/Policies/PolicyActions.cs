using System.Collections.Frozen;

namespace KmsSidecar.Access.Policies;

/// <summary>Actions belong to families; one statement is about one of them.</summary>
internal enum ActionFamily
{
    Kms,
    Admin,
    Sts,

    /// <summary>Object storage: nothing of it is asked for here, but RustFS's own policies name it beside the others.</summary>
    S3,
}

/// <summary>The actions that a policy can name: RustFS's, as far as they concern a key service, and our <c>kms:Encrypt</c>.</summary>
/// <remarks>There are no partial wildcards. A bare <c>*</c> is <c>s3:*</c>, as in RustFS, and so grants nothing here.</remarks>
internal static class PolicyActions
{
    public const string ServerInfo = "admin:ServerInfo";

    /// <summary>Longer than any action.</summary>
    public const int MaxLength = 64;

    /// <summary>What takes keys to use and not to manage: no legacy action grants these.</summary>
    public static readonly FrozenSet<string> UseKeys = FrozenSet.Create(StringComparer.Ordinal, "kms:GenerateDataKey", "kms:Encrypt", "kms:Decrypt");

    /// <summary>What no route of which changes anything.</summary>
    public static readonly FrozenSet<string> Reads = FrozenSet.Create(StringComparer.Ordinal, "kms:DescribeKey", "kms:ListKeys");

    /// <summary>What concerns all keys at once: an Allow for some keys does not grant these.</summary>
    public static readonly FrozenSet<string> OfAllKeys = FrozenSet.Create(StringComparer.Ordinal, "kms:Backup", "kms:Restore");

    private static readonly FrozenDictionary<string, ActionFamily> Families = Build();

    /// <summary>The family of an action, or of a whole family's wildcard; null when it is not known.</summary>
    public static ActionFamily? FamilyOf(string action) => Families.TryGetValue(action, out ActionFamily family) ? family : null;

    /// <summary>Whether an action of a policy is, or includes, one that is asked for.</summary>
    /// <param name="granted">One that <see cref="FamilyOf"/> knows.</param>
    /// <param name="asked">A single action.</param>
    public static bool Includes(string granted, string asked) => granted == asked
        || (granted.EndsWith(":*", StringComparison.Ordinal) && asked.StartsWith(granted.AsSpan(0, granted.Length - 1), StringComparison.Ordinal));

    /// <summary>Why <see cref="FamilyOf"/> does not know an action, in words that follow its place.</summary>
    public static string WhyUnknown(string action) => action.AsSpan().ContainsAny('*', '?')
        ? "is a partial wildcard; name each action, or kms:* for all"
        : "is not an action that is known here";

    private static FrozenDictionary<string, ActionFamily> Build()
    {
        Dictionary<string, ActionFamily> families = new(StringComparer.Ordinal)
        {
            ["admin:*"] = ActionFamily.Admin,
            [ServerInfo] = ActionFamily.Admin,
            ["sts:AssumeRole"] = ActionFamily.Sts,
            ["s3:*"] = ActionFamily.S3,
            ["*"] = ActionFamily.S3,
        };
        string[] kms =
        [
            "*", "Configure", "ServiceControl", "ClearCache", "GenerateDataKey", "DeleteKey", "EnableKey", "DisableKey", "RotateKey",
            "UpdateKeyDescription", "TagResource", "UntagResource", "ListKeys", "DescribeKey", "Decrypt", "Encrypt", "Backup", "Restore",
        ];
        foreach (string name in kms)
        {
            families[$"kms:{name}"] = ActionFamily.Kms;
        }

        return families.ToFrozenDictionary(StringComparer.Ordinal);
    }
}
