using KmsSidecar.Options;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace KmsSidecar.Hosting;

/// <summary>Where log lines go and how they look: standard error, readable on a terminal, JSON on a pipe, the journal's form under systemd.</summary>
internal static class LogOutput
{
    /// <returns>The caller's to dispose, last of all: it writes out what is still waiting.</returns>
    public static LoggerFactory Open(DaemonOptions options, LogLevels levels)
    {
        bool toJournal = options.LogFormat == LogFormat.Auto && SystemdHelpers.IsSystemdService();
        bool asText = options.LogFormat == LogFormat.Text || (options.LogFormat == LogFormat.Auto && !Console.IsErrorRedirected);
        ConsoleFormatter formatter = toJournal || asText ? new LineFormatter(toJournal, TimeProvider.System) : new JsonLineFormatter(TimeProvider.System);
        ConsoleLoggerOptions console = new() { LogToStandardErrorThreshold = LogLevel.Trace, FormatterName = formatter.Name };

        LoggerFactory logs = new([], levels);
        logs.AddProvider(new ConsoleLoggerProvider(new Unchanging(console), [formatter]));
        return logs;
    }

    private sealed class Unchanging(ConsoleLoggerOptions console) : IOptionsMonitor<ConsoleLoggerOptions>
    {
        public ConsoleLoggerOptions CurrentValue => console;

        public ConsoleLoggerOptions Get(string? name) => console;

        public IDisposable? OnChange(Action<ConsoleLoggerOptions, string?> listener) => null;
    }
}
