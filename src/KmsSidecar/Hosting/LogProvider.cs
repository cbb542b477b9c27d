using KmsSidecar.Observability;

namespace KmsSidecar.Hosting;

/// <summary>Takes events from those who log, and has them written by a thread of its own.</summary>
/// <remarks>Who logs never waits for who reads: events beyond <see cref="MaxWaiting"/> are lost, and how many is said. Nothing here is generic in
/// what is logged, as the framework's console is: each kind of event would be compiled for every place it can go to.</remarks>
internal sealed class LogProvider : ILoggerProvider
{
    public const int MaxWaiting = 4096;

    /// <summary>For a reader that does not read: the process ends all the same.</summary>
    private static readonly TimeSpan LongestEnd = TimeSpan.FromSeconds(2);

    private readonly Queue<LogEvent> _waiting = [];
    private readonly ILogSink _sink;
    private readonly Thread _writer;
    private readonly long[] _counts = new long[(int)LogLevel.None];
    private int _lost;
    private long _lostInAll;
    private bool _isEnding;

    /// <param name="sink">This object's own.</param>
    public LogProvider(ILogSink sink)
    {
        _sink = sink;
        _writer = new Thread(WriteAll) { Name = "log", IsBackground = true };
        _writer.Start();
    }

    /// <summary>Events that could not be written, since the start.</summary>
    public long LostCount
    {
        get
        {
            lock (_waiting)
            {
                return _lostInAll;
            }
        }
    }

    /// <summary>Events of a level since the start, those lost too.</summary>
    public long CountOf(LogLevel level)
    {
        lock (_waiting)
        {
            return _counts[(int)level];
        }
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    /// <summary>Returns when what is waiting has been written.</summary>
    public void Dispose()
    {
        lock (_waiting)
        {
            if (_isEnding)
            {
                return;
            }

            _isEnding = true;
            Monitor.Pulse(_waiting);
        }

        if (_writer.Join(LongestEnd))
        {
            _sink.Dispose();
        }
    }

    private void Add(LogEvent logged)
    {
        lock (_waiting)
        {
            _counts[(int)logged.Level]++;
            if (_waiting.Count >= MaxWaiting)
            {
                _lost++;
                _lostInAll++;
                return;
            }

            if (_lost > 0)
            {
                _waiting.Enqueue(TellLost());
            }

            _waiting.Enqueue(logged);
            Monitor.Pulse(_waiting);
        }
    }

    private void WriteAll()
    {
        while (Take() is { } next)
        {
            _sink.Write(next);
        }
    }

    /// <returns>Null at the end.</returns>
    private LogEvent? Take()
    {
        lock (_waiting)
        {
            while (_waiting.Count == 0 && _lost == 0 && !_isEnding)
            {
                Monitor.Wait(_waiting);
            }

            return _waiting.TryDequeue(out LogEvent? next) ? next
                : _lost > 0 ? TellLost()
                : null;
        }
    }

    private LogEvent TellLost()
    {
        string message = $"{_lost} events are missing here: they came faster than they could be written";
        _lost = 0;
        return new LogEvent(LogLevel.Warning, "rustfs::kms::daemon", EventIds.EventsLost, message, Exception: null, Values: null);
    }

    private sealed class Logger(LogProvider provider, string category) : ILogger
    {
        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Add(logLevel, eventId, formatter(state, exception), exception, state);

        private void Add(LogLevel level, EventId id, string message, Exception? exception, object? state)
        {
            string? request = RequestScope.CurrentId is { } current && !message.Contains(current, StringComparison.Ordinal) ? current : null;
            provider.Add(new LogEvent(level, category, id.Id, message, exception, state as IReadOnlyCollection<KeyValuePair<string, object?>>, request));
        }
    }
}
