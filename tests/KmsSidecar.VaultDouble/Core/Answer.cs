using System.Text.Json.Nodes;

namespace KmsSidecar.Doubles.Core;

/// <summary>Status and body of one answer. The body belongs to the answer: nothing of the server's state is in it.</summary>
internal sealed class Answer(int status, JsonObject? body)
{
    public int Status { get; } = status;

    public JsonObject? Body { get; } = body;

    public static Answer Empty { get; } = new(204, null);

    public static Answer Errors(int status, params IEnumerable<string> errors) =>
        new(status, new JsonObject { ["errors"] = new JsonArray([.. errors.Select(static error => JsonValue.Create(error))]) });

    /// <param name="isDoubled">The members of the data stand beside the envelope's too, as some answers below <c>sys/</c> have them.</param>
    public static Answer Data(JsonObject data, int status = 200, bool isDoubled = false)
    {
        JsonObject body = isDoubled ? (JsonObject)data.DeepClone() : [];
        Fill(body, data, warnings: null, auth: null);
        return new Answer(status, body);
    }

    public static Answer Warning(int status, string warning) => Fill(status, data: null, [warning], auth: null);

    public static Answer Auth(JsonObject auth, params string[] warnings) => Fill(200, data: null, warnings, auth);

    /// <summary>The answer's place is taken by a token that unwraps it once.</summary>
    public static Answer Wrapped(JsonObject wrapInfo)
    {
        Answer answer = Fill(200, data: null, warnings: null, auth: null);
        answer.Body!["request_id"] = "";
        answer.Body["wrap_info"] = wrapInfo;
        return answer;
    }

    private static Answer Fill(int status, JsonObject? data, string[]? warnings, JsonObject? auth)
    {
        JsonObject body = [];
        Fill(body, data, warnings, auth);
        return new Answer(status, body);
    }

    private static void Fill(JsonObject body, JsonObject? data, string[]? warnings, JsonObject? auth)
    {
        body["request_id"] = Guid.NewGuid().ToString();
        body["lease_id"] = "";
        body["renewable"] = false;
        body["lease_duration"] = 0;
        body["data"] = data;
        body["wrap_info"] = null;
        body["warnings"] = warnings is { Length: > 0 } ? new JsonArray([.. warnings.Select(static warning => JsonValue.Create(warning))]) : null;
        body["auth"] = auth;
    }
}
