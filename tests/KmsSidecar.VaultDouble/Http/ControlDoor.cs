using System.Text.Json;
using System.Text.Json.Nodes;
using KmsSidecar.Doubles.Core;
using KmsSidecar.Doubles.Faults;
using Microsoft.AspNetCore.Http;

namespace KmsSidecar.Doubles.Http;

/// <summary>What stands below <c>/double/</c>, for scripts: no token, no fault, nothing of it in the log of requests. <see cref="Help"/> says what there is.</summary>
internal sealed class ControlDoor(VaultDouble vault, TimeProvider clock)
{
    public const string Help = """
        Control, on the same port (curl -d sends a POST):
          GET    /double/requests[?path=GLOB][&method=M]   {"count", "in_flight", "most_in_flight", "requests": [{"method", "path", "status", "batch_size", ...}]}
          DELETE /double/requests                          forget them
          GET    /double/faults                            those that are on
          POST   /double/faults                            {"kind", "path"?, "method"?, "times"?, "time_ms"?, "status"?, "body"?, "size"?, "elsewhere"?}
                   kind: hang, cut, lose_answer, cut_in_body, drip, answer, huge, redirect, delay, ignore_associated_data,
                         ignore_associated_data_in_batches; path: below /v1/, * for anything; answer takes status and body (an error's usual one without)
          DELETE /double/faults                            end them all; what hangs goes on
          POST   /double/seal, /double/unseal
          POST   /double/clock                             {"advance": "90s"}: leases and tokens grow older
          POST   /double/outage                            {"for": "5s"}: nothing listens for so long, and all that is stored stays
        """;

    public async Task HandleAsync(HttpContext context)
    {
        try
        {
            using StreamReader reader = new(context.Request.Body);
            string body = await reader.ReadToEndAsync(context.RequestAborted);
            JsonObject? answer = Route(context.Request, (JsonObject)JsonNode.Parse(body.Length == 0 ? "{}" : body)!);
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync($"{answer?.ToJsonString() ?? "{}"}\n", context.RequestAborted);
        }
        catch (Exception wrong) when (wrong is VaultFailure or JsonException or InvalidOperationException or InvalidCastException or FormatException)
        {
            context.Response.StatusCode = 400;
            await context.Response.WriteAsync($"{new JsonObject { ["error"] = wrong.Message }.ToJsonString()}\n", context.RequestAborted);
        }
    }

    private JsonObject? Route(HttpRequest request, JsonObject body)
    {
        switch ($"{request.Method} {request.Path.Value!["/double/".Length..]}")
        {
            case "GET requests":
                return DescribeRequests(request.Query["path"], request.Query["method"]);
            case "DELETE requests":
                vault.Requests.Clear();
                return null;
            case "GET faults":
                return new JsonObject { ["faults"] = new JsonArray([.. vault.Faults.All.Select(static fault => JsonValue.Create(fault.ToString()))]) };
            case "POST faults":
                vault.Faults.Add(ReadFault(body));
                return null;
            case "DELETE faults":
                vault.Faults.Clear();
                return null;
            case "POST seal":
                vault.Admin.IsSealed = true;
                return null;
            case "POST unseal":
                vault.Admin.IsSealed = false;
                return null;
            case "POST clock" when clock is ShiftedClock shifted:
                shifted.Advance(Duration(body, "advance"));
                return null;
            case "POST outage":
                _ = GoAwayAsync(Duration(body, "for"));
                return null;
            default:
                throw new VaultFailure(400, $"there is no such control; there are:\n{Help}");
        }
    }

    private static TimeSpan Duration(JsonObject body, string name) =>
        GoDuration.Parse(body[name]?.ToString() ?? throw new VaultFailure(400, $"{name} is missing"));

    private static Fault ReadFault(JsonObject body)
    {
        string kind = body["kind"]?.ToString() ?? "";
        if (!Enum.TryParse(kind.Replace("_", "", StringComparison.Ordinal), ignoreCase: true, out FaultKind parsed))
        {
            throw new VaultFailure(400, $"unknown kind of fault: \"{kind}\"");
        }

        string path = body["path"]?.ToString() ?? "*";
        int status = body["status"]?.GetValue<int>() ?? 500;
        Fault fault = parsed == FaultKind.Answer && body["body"] is null ? Fault.Refuse(status, path) : new Fault(parsed, path) { Status = status };
        return fault with
        {
            Method = body["method"]?.ToString(),
            Times = body["times"]?.GetValue<int>(),
            Time = TimeSpan.FromMilliseconds(body["time_ms"]?.GetValue<double>() ?? 20),
            Body = body["body"]?.ToString() ?? fault.Body,
            Size = body["size"]?.GetValue<int>() ?? fault.Size,
            Elsewhere = body["elsewhere"] is { } elsewhere ? new Uri(elsewhere.ToString()) : null,
        };
    }

    private JsonObject DescribeRequests(string? path, string? method)
    {
        JsonArray requests =
        [
            .. vault.Requests.Of(path ?? "*", method).Select(static record => new JsonObject
            {
                ["method"] = record.Method,
                ["path"] = record.Path,
                ["query"] = record.Query,
                ["status"] = record.Status,
                ["body_size"] = record.BodySize,
                ["batch_size"] = record.BatchSize,
                ["token"] = record.Token,
                ["at"] = GoTime.Format(record.At),
            }),
        ];
        return new JsonObject
        {
            ["count"] = requests.Count,
            ["in_flight"] = vault.Requests.InFlight,
            ["most_in_flight"] = vault.Requests.MostInFlight,
            ["requests"] = requests,
        };
    }

    /// <summary>Lets the answer that announces it out first.</summary>
    private async Task GoAwayAsync(TimeSpan time)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(50));
        await vault.StopAsync();
        await Task.Delay(time);
        await vault.StartAgainAsync();
    }
}
