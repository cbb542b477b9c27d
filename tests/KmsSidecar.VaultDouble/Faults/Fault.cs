namespace KmsSidecar.Doubles.Faults;

/// <summary>What goes wrong, with which requests, and how often.</summary>
/// <param name="Path">Below <c>/v1/</c>, without the query; <c>*</c> stands for anything, slashes too.</param>
internal sealed record Fault(FaultKind Kind, string Path = "*")
{
    /// <summary>Null for every method.</summary>
    public string? Method { get; init; }

    /// <summary>The number of requests that it is for; null until it is cleared.</summary>
    public int? Times { get; init; }

    public TimeSpan Time { get; init; }

    public int Status { get; init; } = 500;

    public string Body { get; init; } = "";

    public int Size { get; init; } = 10 * 1024 * 1024;

    /// <summary>Scheme, host and port.</summary>
    public Uri? Elsewhere { get; init; }

    public static Fault Hang(string path = "*", int? times = null) => new(FaultKind.Hang, path) { Times = times };

    public static Fault Cut(string path = "*", int? times = null) => new(FaultKind.Cut, path) { Times = times };

    public static Fault LoseAnswer(string path = "*", int? times = null) => new(FaultKind.LoseAnswer, path) { Times = times };

    public static Fault CutInBody(string path = "*", int? times = null) => new(FaultKind.CutInBody, path) { Times = times };

    /// <param name="gap">Between two bytes; 20 ms when not given.</param>
    public static Fault Drip(string path = "*", int? times = null, TimeSpan? gap = null) =>
        new(FaultKind.Drip, path) { Times = times, Time = gap ?? TimeSpan.FromMilliseconds(20) };

    public static Fault Delay(TimeSpan time, string path = "*", int? times = null) => new(FaultKind.Delay, path) { Times = times, Time = time };

    /// <summary>An error as the server words it: the body is the usual list.</summary>
    public static Fault Refuse(int status, string path = "*", int? times = null) => Instead(status, Sentence(status), path, times);

    /// <summary>Any status with any body.</summary>
    public static Fault Instead(int status, string body, string path = "*", int? times = null) =>
        new(FaultKind.Answer, path) { Times = times, Status = status, Body = body };

    public static Fault NotJson(string path = "*", int? times = null) => Instead(200, "<html>It works!</html>", path, times);

    /// <summary>JSON, and nothing in it is what it should be.</summary>
    public static Fault OtherShape(string path = "*", int? times = null) => Instead(200, """{"data":[{"keys":7}],"auth":"none"}""", path, times);

    public static Fault Huge(string path = "*", int? times = null) => new(FaultKind.Huge, path) { Times = times };

    public static Fault Redirect(Uri elsewhere, string path = "*", int? times = null) => new(FaultKind.Redirect, path) { Times = times, Elsewhere = elsewhere };

    public static Fault IgnoreAssociatedData(string path = "*", bool inBatchesOnly = false) =>
        new(inBatchesOnly ? FaultKind.IgnoreAssociatedDataInBatches : FaultKind.IgnoreAssociatedData, path);

    private static string Sentence(int status) => status switch
    {
        403 => """{"errors":["permission denied"]}""",
        429 => """{"errors":["request path \"x\": rate limit quota exceeded"]}""",
        503 => """{"errors":["Vault is sealed"]}""",
        _ => """{"errors":["internal error"]}""",
    };
}
