using System.Text.Json;
using KmsSidecar.Errors;

namespace KmsSidecar.Api;

/// <summary>How the daemon fares, check by check.</summary>
/// <param name="Error">Why no data key can be had right now; None when one can.</param>
/// <param name="Message">One sentence of that, which everybody may read.</param>
internal sealed record HealthReport(KmsError Error, string? Message, IReadOnlyList<HealthReport.Check> Checks)
{
    /// <param name="Since">When it was first seen like this.</param>
    internal sealed record Check(string Name, HealthFinding Finding, DateTimeOffset Since);

    /// <param name="withDetail">For those who may know where keys are.</param>
    public void WriteTo(Utf8JsonWriter json, bool withDetail)
    {
        HealthFinding worst = HealthFinding.Ok;
        json.WriteStartObject();
        json.WriteBoolean("ready", Error == KmsError.None);
        json.WriteStartArray("checks");
        foreach (Check check in Checks)
        {
            worst = check.Finding.Level > worst.Level ? check.Finding : worst;
            json.WriteStartObject();
            json.WriteString("name", check.Name);
            json.WriteString("status", check.Finding.Tag);
            json.WriteString("since", StatusRoutes.Rfc3339(check.Since));
            if (withDetail && check.Finding.Detail is { } detail)
            {
                json.WriteString("detail", detail);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("status", worst.Tag);
        json.WriteEndObject();
    }
}
