using System.Net.Sockets;
using System.Text;
using KmsSidecar.Bench.Load;
using KmsSidecar.CommandLine.Bench;

namespace KmsSidecar.Bench.Swaps;

/// <summary>One connection that generates a data key, opens its envelope, and compares, until it is told to stop.</summary>
/// <remarks>Its results are read after its thread has ended.</remarks>
internal sealed class RoundTrip(Socket socket) : IDisposable
{
    private const string Context = """{"bucket":"bucket/path/object.txt"}""";

    private static readonly byte[] Generate = Http.Post("/v1/generate-data-key", $$"""{"encryption_context":{{Context}}}""");

    private readonly HttpConnection _connection = new(socket);

    /// <summary>Of single requests.</summary>
    public LatencyHistogram Latencies { get; } = new();

    public long Failures { get; private set; }

    /// <summary>Envelopes that opened to other bytes than were given out with them.</summary>
    public long WrongKeys { get; private set; }

    public string? FirstFailure { get; private set; }

    public void Run(CancellationToken stop)
    {
        try
        {
            while (!stop.IsCancellationRequested)
            {
                Once();
            }
        }
        catch (Exception lost) when (lost is IOException or SocketException)
        {
            Fail(lost.Message);
        }
    }

    public void Dispose() => _connection.Dispose();

    private void Once()
    {
        if (Exchange(Generate) is not { } generated)
        {
            return;
        }

        byte[] request = Http.Post(
            "/v1/decrypt", $$"""{"ciphertext_blob":"{{Http.Member(generated, "ciphertext_blob")}}","encryption_context":{{Context}}}""");
        if (Exchange(request) is { } opened && Http.Member(opened, "plaintext_key") != Http.Member(generated, "plaintext_key"))
        {
            WrongKeys++;
        }
    }

    private string? Exchange(byte[] request)
    {
        long started = MonotonicClock.Now;
        HttpAnswer answer = _connection.Exchange(request);
        Latencies.Record(MonotonicClock.Now - started);
        string body = Encoding.UTF8.GetString(answer.Body);
        if (answer.IsSuccess)
        {
            return body;
        }

        Fail($"status {answer.Status}: {body}");
        return null;
    }

    private void Fail(string what)
    {
        Failures++;
        FirstFailure ??= what;
    }
}
