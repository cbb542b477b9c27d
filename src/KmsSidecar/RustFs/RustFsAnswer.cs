using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
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

    /// <summary>The body as JSON; null when it is not what <typeparamref name="T"/> says.</summary>
    public T? Read<T>(JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(Body, type);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
