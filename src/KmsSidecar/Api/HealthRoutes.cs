using System.Text;
using System.Text.Json;
using KmsSidecar.Errors;
using KmsSidecar.Observability;

namespace KmsSidecar.Api;

/// <summary>For probes and Prometheus. Nothing secret, no authentication.</summary>
internal sealed class HealthRoutes(HealthChecks checks, Metrics metrics)
{
    private const string OpenMetrics = "application/openmetrics-text";

    /// <summary>The process answers.</summary>
    public static ValueTask<KmsError> LiveAsync(Call call) => Text(call, "ok\n");

    /// <summary>A data key can be made and opened right now. Why not is for callers who say who they are: <c>/kms/status</c>, or this on the
    /// admin socket.</summary>
    public async ValueTask<KmsError> ReadyAsync(Call call)
    {
        HealthReport report = await checks.RunAsync(call.Cancellation);
        if (call.Query.GetValueOrDefault("format") == "json" || Accepts(call, Call.JsonContent))
        {
            return WriteJson(call, report);
        }

        call.FailureMessage = report.Message;
        return report.Error == KmsError.None ? await Text(call, "ok\n") : report.Error;
    }

    public ValueTask<KmsError> MetricsAsync(Call call)
    {
        bool asOpenMetrics = Accepts(call, OpenMetrics);
        return Text(call, metrics.Write(asOpenMetrics), asOpenMetrics ? $"{OpenMetrics}; version=1.0.0; charset=utf-8" : "text/plain; version=0.0.4; charset=utf-8");
    }

    private static KmsError WriteJson(Call call, HealthReport report)
    {
        KmsErrors.Row row = KmsErrors.Describe(report.Error);
        (call.Status, call.IsRetryable) = (row.Status, row.Retryable);
        call.Result = row.Retryable ? RequestResult.Unavailable : RequestResult.Success;
        Utf8JsonWriter json = call.BeginJson();
        report.WriteTo(json, withDetail: call.Surface == Surface.AdminSocket);
        json.Flush();
        return KmsError.None;
    }

    private static bool Accepts(Call call, string contentType) => call.Accept.Contains(contentType, StringComparison.OrdinalIgnoreCase);

    private static ValueTask<KmsError> Text(Call call, string text, string contentType = "text/plain; charset=utf-8")
    {
        call.ContentType = contentType;
        Encoding.UTF8.GetBytes(text, call.Output);
        return new ValueTask<KmsError>(KmsError.None);
    }
}
