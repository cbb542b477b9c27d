namespace KmsSidecar.CommandLine.Top;

/// <summary>What the dashboard shows at one moment. Rates are by second, times in seconds.</summary>
/// <param name="State">Of the service: Running, ...</param>
/// <param name="Failed">Requests that failed and no caller is to blame for.</param>
/// <param name="Refused">Requests that a caller should not have made so.</param>
/// <param name="Facts">Everything else, a line each.</param>
internal sealed record TopView(
    string Version,
    string State,
    double Generation,
    double Uptime,
    double Rate,
    double Failed,
    double Refused,
    IReadOnlyList<OperationRow> Operations,
    IReadOnlyList<Fact> Facts);

/// <param name="Surface">The door that the requests came through.</param>
/// <param name="Median">Null, as the two that follow, when there was no request.</param>
internal sealed record OperationRow(
    string Operation, string Surface, double Rate, double Failed, double Refused, double? Median, double? Slow, double? Longest)
{
    public string Name => $"{Operation} {Surface}";
}

/// <param name="IsBad">A person should look at it.</param>
internal sealed record Fact(string Name, string Text, bool IsBad = false);
