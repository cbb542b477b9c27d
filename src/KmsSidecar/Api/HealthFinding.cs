using KmsSidecar.Errors;

namespace KmsSidecar.Api;

internal enum HealthLevel
{
    Ok,

    /// <summary>Everything works; somebody should look at it in the next days.</summary>
    Warning,
    Fault,
}

/// <param name="Detail">One sentence, for callers who may know where keys are; null for none.</param>
/// <param name="Refusal">What operations are answered because of it; None when they go on.</param>
internal sealed record HealthFinding(HealthLevel Level, string? Detail = null, KmsError Refusal = KmsError.None)
{
    public static readonly HealthFinding Ok = new(HealthLevel.Ok);

    public static HealthFinding Warning(string detail) => new(HealthLevel.Warning, detail);

    public static HealthFinding Fault(string detail) => new(HealthLevel.Fault, detail);

    public static HealthFinding Refusing(KmsError refusal, string detail) => new(HealthLevel.Fault, detail, refusal);

    public string Tag => Level switch
    {
        HealthLevel.Ok => "ok",
        HealthLevel.Warning => "warning",
        _ => "fault",
    };
}
