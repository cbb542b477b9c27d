using System.Text;
using System.Text.Json;
using KmsSidecar.Auth;
using KmsSidecar.Observability;

namespace KmsSidecar.RustFs;

/// <summary>Status and body of an answer. RustFS has JSON for success, and XML or plain text for most failures.</summary>
internal sealed record RustFsAnswer(int Status, byte[] Body)
{
    /// <summary>S3's error code; empty when there is none.</summary>
    public string Code => S3Error.CodeIn(Text);

    /// <summary>What it says beside its status, printable; empty when it says nothing.</summary>
    public string Message => PrintableText.Of((S3Error.MessageIn(Text) ?? (Text.StartsWith('<') ? "" : Text)).Trim());

    /// <summary>Status, code and message in one phrase.</summary>
    public string Summary => $"{Status}{(Code.Length > 0 ? $" {Code}" : "")}{(Message.Length > 0 ? $": {Message}" : "")}";

    private string Text => Encoding.UTF8.GetString(Body);

    /// <summary>The body as JSON; null when it is not what <paramref name="read"/> takes it for.</summary>
    /// <param name="read">Takes the members of an object; it may throw what <see cref="JsonElement"/> throws for those that are not as they should be.</param>
    public T? Read<T>(Func<JsonElement, T?> read)
        where T : class
    {
        try
        {
            return read(JsonElement.Parse(Body));
        }
        catch (Exception foreign) when (foreign is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    /// <summary>Null for a member that is absent, or JSON's null.</summary>
    public static JsonElement? Find(JsonElement answer, string member) =>
        answer.TryGetProperty(member, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
