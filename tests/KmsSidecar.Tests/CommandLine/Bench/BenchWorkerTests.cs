using System.Diagnostics;
using System.Text;
using KmsSidecar.CommandLine.Bench;
using Xunit;

namespace KmsSidecar.Tests.CommandLine.Bench;

/// <summary>What is counted of a daemon that answers from a text, and then ends the connection.</summary>
public sealed class BenchWorkerTests
{
    [Fact]
    public void EveryAnswer_IsCountedByItsStatus()
    {
        BenchWorker worker = Run("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 503 Wait\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n");

        Assert.Equal((2L, 1, 1), (worker.Latencies.Count, worker.Refusals[503], worker.Lost));
        Assert.False(new BenchReport([worker], TimeSpan.FromSeconds(1)).IsClean);
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n")]
    public void AnotherServer_EndsTheConnection(string answer) => Assert.Equal(1, Run(answer).Lost);

    private static BenchWorker Run(params string[] answers)
    {
        using HttpConnection connection = new(new AnsweringStream(answers));
        BenchWorker worker = new(connection, "POST / HTTP/1.1\r\n\r\n"u8.ToArray());
        worker.Run(Stopwatch.GetTimestamp() + (60 * Stopwatch.Frequency), TestContext.Current.CancellationToken);
        return worker;
    }

    /// <summary>Has the next answer for each request.</summary>
    private sealed class AnsweringStream(string[] answers) : MemoryStream
    {
        private int _next;

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            SetLength(0);
            if (_next < answers.Length)
            {
                base.Write(Encoding.ASCII.GetBytes(answers[_next++]));
            }

            Position = 0;
        }
    }
}
