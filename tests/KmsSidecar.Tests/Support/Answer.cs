using System.Text;
using System.Text.Json;
using Xunit;

namespace KmsSidecar.Tests.Support;

/// <summary>A whole response.</summary>
internal sealed record Answer(int Status, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string Text => Encoding.UTF8.GetString(Body);

    public JsonElement Json => JsonElement.Parse(Body);

    public string Message => Json.GetProperty("message").GetString()!;

    public string? this[string member] => Json.GetProperty(member).GetString();

    public string? Header(string name) => Headers.GetValueOrDefault(name);

    public Answer Expect(int status)
    {
        Assert.True(status == Status, $"expected {status}: {Status} {Text}");
        return this;
    }

    /// <summary>A failure as JSON: its status, code and exact message.</summary>
    public Answer ExpectFailure(int status, string code, string message)
    {
        Expect(status);
        Assert.Equal("application/json", Header("Content-Type"));
        Assert.False(Json.GetProperty("success").GetBoolean());
        Assert.Equal((code, message), (this["code"], Message));
        Assert.Equal(Header("x-request-id"), this["request_id"]);
        return this;
    }

    /// <summary>A failure as AWS KMS writes it.</summary>
    public Answer ExpectAws(int status, string code)
    {
        Expect(status);
        Assert.Equal("application/x-amz-json-1.1", Header("Content-Type"));
        Assert.Equal(code, this["__type"]);
        Assert.NotEmpty(Message);
        Assert.Equal(Header("x-request-id"), Header("x-amzn-RequestId"));
        return this;
    }

    /// <summary>A failure as S3 writes it.</summary>
    public Answer ExpectXml(int status, string code, string message)
    {
        Expect(status);
        Assert.Equal("application/xml", Header("Content-Type"));
        Assert.Equal(
            $"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message>"
            + $"<RequestId>{Header("x-request-id")}</RequestId></Error>",
            Text);
        return this;
    }
}
