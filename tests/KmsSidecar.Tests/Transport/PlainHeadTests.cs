using System.Text;
using KmsSidecar.Transport;
using Xunit;

namespace KmsSidecar.Tests.Transport;

public sealed class PlainHeadTests
{
    private const string Plain = "POST /v1/decrypt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12\r\n\r\n";

    [Theory]
    [InlineData(Plain)]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nhost:localhost:80\r\nCONTENT-LENGTH:12\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost: [::1]\r\nContent-Type: application/json\r\nContent-Length:   12 \r\nConnection: keep-alive\r\nAccept: */*\r\n\r\n")]
    public void PlainHeads(string text)
    {
        byte[] head = Encoding.Latin1.GetBytes(text);

        Assert.Equal(HeadKind.Plain, PlainHead.Read([.. head, .. "{\"a\":\"b\"} and more"u8], out PlainHead read));

        Assert.Equal("/v1/decrypt", Encoding.ASCII.GetString(read.Target));
        Assert.Equal(12, read.BodyLength);
        Assert.Equal(head.Length, read.Length);
    }

    [Theory]
    [InlineData("X-Amz-Target: TrentService.Decrypt\r\nContent-Type: application/x-amz-json-1.1\r\n", "TrentService.Decrypt")]
    [InlineData("content-type:APPLICATION/X-AMZ-JSON-1.1\r\nx-amz-target:  TrentService.Encrypt \r\n", "TrentService.Encrypt")]
    [InlineData("Content-Type: application/json\r\n", "")]
    [InlineData("", "")]
    public void OperationOfTheAwsApi_IsRead(string headers, string operation)
    {
        byte[] head = Encoding.Latin1.GetBytes($"POST / HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: 2\r\n\r\n{{}}");

        Assert.Equal(HeadKind.Plain, PlainHead.Read(head, out PlainHead read));
        Assert.Equal(operation, Encoding.ASCII.GetString(read.Operation));
    }

    [Fact]
    public void EveryBeginningOfAPlainHead_IsIncomplete()
    {
        byte[] head = Encoding.Latin1.GetBytes(Plain);
        for (int length = 0; length < head.Length; length++)
        {
            Assert.Equal(HeadKind.Incomplete, PlainHead.Read(head.AsSpan(0, length), out _));
        }
    }

    /// <summary>Whatever Kestrel would refuse, or would read otherwise, is Kestrel's to read.</summary>
    [Theory]
    [InlineData("GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("post /v1/decrypt HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.0\r\nHost: x\r\nContent-Length: 1\r\n\r\n")]
    [InlineData("POST /v1/decrypt  HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n")]
    [InlineData("POST /v1/decrypt?a=b HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n")]
    [InlineData("POST /v1/d%65crypt HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n")]
    [InlineData("POST http://x/v1/decrypt HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nContent-Length: 1\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost:\r\nContent-Length: 1\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost: x\r\nHost: x\r\nContent-Length: 1\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost: x@y\r\nContent-Length: 1\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost: x\r\nContent-Length: \r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost: x\r\nContent-Length : 1\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost: x\r\n Content-Length: 1\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nUpgrade: h2c\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nX-Amz-Target: a\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nX-Amz-Target: a\r\nContent-Type: application/json\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nX-Amz-Target: \r\nContent-Type: application/x-amz-json-1.1\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nX-Amz-Target: a\r\nX-Amz-Target: b\r\nContent-Type: application/x-amz-json-1.1\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nX-Amz-Target: a\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Type: a/b\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Type: application/x-amz-json-1.1\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTrailer: a\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTE: trailers\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nA: b\nc: d\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nA: b\rc\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nA: \0\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nA: \u00e9\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n: a\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nno colon\r\n\r\n")]
    [InlineData("POST /v1/decrypt HTTP/1.1\nHost: x\nContent-Length: 1\n\n\r\n\r\n")]
    [InlineData("\r\nPOST /v1/decrypt HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n")]
    [InlineData("\x16\x03\x01 a TLS hello")]
    public void AnythingElse_IsNotPlain(string text) =>
        Assert.Equal(HeadKind.NotPlain, PlainHead.Read(Encoding.Latin1.GetBytes(text), out _));

    [Fact]
    public void EndlessHead_IsNotPlain() =>
        Assert.Equal(HeadKind.NotPlain, PlainHead.Read(Encoding.Latin1.GetBytes("POST /" + new string('a', 9000)), out _));

    /// <summary>Nothing makes it throw or read beyond its input, and what is plain lies within the input.</summary>
    [Fact]
    public void RandomChangesOfAPlainHead_NeverThrow()
    {
        Random random = new(7);
        byte[] alphabet = [.. "\r\n :0123456789HPOSTost-\0\u007f"u8, 0xff];
        int plain = 0;
        for (int i = 0; i < 100_000; i++)
        {
            byte[] head = Encoding.Latin1.GetBytes(Plain);
            for (int changes = random.Next(4); changes >= 0; changes--)
            {
                head[random.Next(head.Length)] = alphabet[random.Next(alphabet.Length)];
            }

            if (PlainHead.Read(head.AsSpan(0, random.Next(head.Length + 1)), out PlainHead read) == HeadKind.Plain)
            {
                plain++;
                Assert.True(read.Length <= head.Length && read.BodyLength >= 0);
            }
        }

        Assert.True(plain > 10);
    }
}
