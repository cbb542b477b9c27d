using KmsSidecar.Hosting;
using KmsSidecar.Observability;
using Microsoft.Extensions.Logging;
using Xunit;

namespace KmsSidecar.Tests.Hosting;

/// <summary>What happens to events between those who log and the place that they go to.</summary>
public sealed class LogProviderTests
{
    [Fact]
    public void End_WritesWhatIsWaiting()
    {
        HeldSink sink = new();
        using (LogProvider provider = new(sink))
        {
            Log(provider, 100);
            sink.Release();
        }

        Assert.Equal(Enumerable.Range(0, 100).Select(static number => $"{number}"), sink.Messages);
        Assert.True(sink.IsDisposed);
    }

    [Fact]
    public void SlowReader_HoldsNobodyUp_AndWhatIsLostIsCounted()
    {
        HeldSink sink = new();
        using (LogProvider provider = new(sink))
        {
            Log(provider, 1);
            sink.WaitUntilHeld();
            Log(provider, LogProvider.MaxWaiting + 7);
            sink.Release();
        }

        // In their place: after those that were waiting.
        Assert.Equal(1 + LogProvider.MaxWaiting + 1, sink.Messages.Count);
        Assert.Equal("7 events are missing here: they came faster than they could be written", sink.Messages[^1]);
    }

    [Fact]
    public async Task EventOfARequest_NamesIt_UntilTheRequestHasEnded()
    {
        HeldSink sink = new();
        sink.Release();
        using (LogProvider provider = new(sink))
        {
            Log(provider, 1);
            Task background;
            TaskCompletionSource answered = new();
            using (RequestScope.Begin("4711"))
            {
                Log(provider, 1);
                background = LogAfterAsync(answered.Task, provider);
            }

            answered.SetResult();
            await background;
        }

        Assert.Equal([null, "4711", null], sink.Requests);
    }

    private static async Task LogAfterAsync(Task end, LogProvider provider)
    {
        await end;
        Log(provider, 1);
    }

    private static void Log(LogProvider provider, int count)
    {
        ILogger log = provider.CreateLogger("rustfs::kms::test");
        for (int i = 0; i < count; i++)
        {
            log.Log(LogLevel.Information, new EventId(1), i, exception: null, static (number, _) => $"{number}");
        }
    }

    private sealed class HeldSink : ILogSink
    {
        private readonly ManualResetEventSlim _held = new();
        private readonly ManualResetEventSlim _release = new();

        public List<string> Messages { get; } = [];

        public List<string?> Requests { get; } = [];

        public bool IsDisposed { get; private set; }

        public void WaitUntilHeld() => _held.Wait(TestContext.Current.CancellationToken);

        public void Release() => _release.Set();

        public void Write(LogEvent logged)
        {
            _held.Set();
            _release.Wait(CancellationToken.None);
            Messages.Add(logged.Message);
            Requests.Add(logged.RequestId);
        }

        public void Dispose() => IsDisposed = true;
    }
}
