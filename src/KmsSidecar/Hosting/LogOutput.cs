using KmsSidecar.Options;

namespace KmsSidecar.Hosting;

/// <summary>Where events go and how they look: to standard error, readable on a terminal, JSON on a pipe; with their fields to the journal.</summary>
internal static class LogOutput
{
    /// <param name="provider">Goes with the factory.</param>
    /// <returns>The caller's to dispose, last of all: it writes out what is still waiting.</returns>
    public static LoggerFactory Open(DaemonOptions options, LogLevels levels, out LogProvider provider)
    {
        LoggerFactory logs = new([], levels);
        logs.AddProvider(provider = new LogProvider(SinkOf(options)));
        return logs;
    }

    private static ILogSink SinkOf(DaemonOptions options)
    {
        bool toJournal = options.LogFormat == LogFormat.Auto && JournalStream.IsStandardError;
        bool asText = options.LogFormat == LogFormat.Text || (options.LogFormat == LogFormat.Auto && !Console.IsErrorRedirected);
        LineSink lines = new(
            toJournal || asText ? new LineFormatter(toJournal, TimeProvider.System).Format : new JsonLineFormatter(TimeProvider.System).Format, Console.Error);
        return toJournal && File.Exists(JournalSink.SocketPath) ? new JournalSink(JournalSink.SocketPath, lines) : lines;
    }
}
