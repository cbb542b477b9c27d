using System.Text.Json;
using KmsSidecar.Tests.Support;
using Xunit;

namespace KmsSidecar.Tests.Transport;

/// <summary>The data socket as clients see it that do not send one tidy request after the other.</summary>
public sealed class DataSocketTests(RunningHost running) : IClassFixture<RunningHost>
{
    private const string Generate = "POST /v1/generate-data-key HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";

    [Fact]
    public async Task AnswerHasTheHeadersOfKestrels()
    {
        using RawConnection raw = await OpenAsync();
        await raw.SendAsync(Generate);
        Answer plain = (await raw.ReadAsync())!.Expect(200);
        await raw.SendAsync("POST /v1/generate-data-key HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n");
        Answer kestrels = (await raw.ReadAsync())!.Expect(200);

        Assert.Equal(kestrels.Headers.Keys.Order(), plain.Headers.Keys.Order());
        foreach (string name in (string[])["Content-Type", "Cache-Control"])
        {
            Assert.Equal(kestrels.Header(name), plain.Header(name));
        }

        Assert.Matches("^[0-9a-f]{32}$", plain.Header("x-request-id"));
        Assert.True(DateTimeOffset.TryParseExact(plain.Header("Date"), "r", null, default, out _));
    }

    [Fact]
    public async Task RequestsInOneWrite_AreAnsweredInOrder()
    {
        const int Count = 200;
        using RawConnection raw = await OpenAsync();
        await raw.SendAsync(string.Concat(Enumerable.Range(0, Count).Select(static i => Post("encrypt", $$"""{"plaintext":"{{i:d4}}"}"""))));
        for (int i = 0; i < Count; i++)
        {
            string blob = (await raw.ReadAsync())!.Expect(200)["ciphertext_blob"]!;
            using RawConnection other = await OpenAsync();
            await other.SendAsync(Post("decrypt", $$"""{"ciphertext_blob":"{{blob}}"}"""));
            Assert.Equal($"{i:d4}", (await other.ReadAsync())!.Expect(200)["plaintext_key"]);
        }
    }

    [Fact]
    public async Task RequestInSinglyArrivingBytes_IsAnswered()
    {
        using RawConnection raw = await OpenAsync();
        foreach (char one in Generate + Generate)
        {
            await raw.SendAsync($"{one}");
        }

        (await raw.ReadAsync())!.Expect(200);
        (await raw.ReadAsync())!.Expect(200);
    }

    [Fact]
    public async Task RequestThatIsNotPlain_GoesToKestrel_AndSoDoesWhatFollows()
    {
        using RawConnection raw = await OpenAsync();
        await raw.SendAsync(Generate + "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n" + Generate + "POST /v1/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");

        (await raw.ReadAsync())!.Expect(200);
        Assert.Equal("Running", (await raw.ReadAsync())!.Expect(200)["status"]);
        (await raw.ReadAsync())!.Expect(200);
        (await raw.ReadAsync())!.Expect(404);
    }

    [Fact]
    public async Task RefusedRequest_DoesNotEndTheConnection()
    {
        using RawConnection raw = await OpenAsync();
        await raw.SendAsync(Post("decrypt", """{"ciphertext_blob":"AAAA"}""") + Post("decrypt", "rubbish") + Generate);

        (await raw.ReadAsync())!.ExpectFailure(400, "InvalidCiphertext", "the ciphertext cannot be opened");
        Assert.Equal("MalformedRequest", (await raw.ReadAsync())!.Expect(400)["code"]);
        (await raw.ReadAsync())!.Expect(200);
    }

    [Fact]
    public async Task CallerThatReadsLate_GetsEveryAnswer()
    {
        const int Count = 300;
        using RawConnection raw = await OpenAsync();
        Task sending = raw.SendAsync(string.Concat(Enumerable.Repeat(Post("generate-data-key", """{"count":64}"""), Count)));
        await Task.Delay(300, TestContext.Current.CancellationToken);
        for (int i = 0; i < Count; i++)
        {
            Assert.Equal(64, (await raw.ReadAsync())!.Expect(200).Json.GetProperty("data_keys").GetArrayLength());
        }

        await sending;
    }

    [Fact]
    public async Task CallerThatHasFinishedSending_IsAnsweredStill()
    {
        using RawConnection raw = await OpenAsync();
        await raw.SendAsync(Generate);
        raw.FinishSending();

        (await raw.ReadAsync())!.Expect(200);
        Assert.Null(await raw.ReadAsync());
    }

    [Fact]
    public async Task BodyThatIsTooLong_Is413()
    {
        using RawConnection raw = await OpenAsync();
        await raw.SendAsync("POST /v1/decrypt HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n");

        Assert.Equal("RequestTooLarge", (await raw.ReadAsync())!.Expect(413)["code"]);
    }

    [Fact]
    public async Task ConnectionsThatComeAndGo_AreAllServed()
    {
        await Parallel.ForAsync(0, 400, TestContext.Current.CancellationToken, async (i, _) =>
        {
            using RawConnection raw = await OpenAsync();
            await raw.SendAsync(i % 3 == 0 ? Generate[..40] : Generate);
            if (i % 3 == 1)
            {
                Assert.Equal(JsonValueKind.String, (await raw.ReadAsync())!.Expect(200).Json.GetProperty("plaintext_key").ValueKind);
            }
        });
    }

    private static string Post(string route, string body) => $"POST /v1/{route} HTTP/1.1\r\nHost: x\r\nContent-Length: {body.Length}\r\n\r\n{body}";

    private Task<RawConnection> OpenAsync() => RawConnection.OpenAsync(running.Host.DataEndPoint);
}
