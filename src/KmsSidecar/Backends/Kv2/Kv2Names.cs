namespace KmsSidecar.Backends.Kv2;

/// <summary>Names of a KV v2 record's members that a local key file does not have; the others are the same.</summary>
internal static class Kv2Names
{
    public const string Tags = "tags";
    public const string Baseline = "baseline_version";
    public const string WrapBudget = "wrap_budget_reserved";
}
