using KmsSidecar.Options;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging.Console;

namespace KmsSidecar.Hosting;

/// <summary>Where log lines go and how they look: standard error, readable on a terminal, JSON on a pipe, the journal's form under systemd.</summary>
internal static class LogOutput
{
    public static void Configure(ILoggingBuilder logging, DaemonOptions options)
    {
        logging.ClearProviders();
        logging.SetMinimumLevel(options.LogLevel);

        // The framework logs every request and every connection at Information, and quotes callers at Debug.
        logging.AddFilter("Microsoft", options.LogLevel > LogLevel.Warning ? options.LogLevel : LogLevel.Warning);

        // A start that fails is told in one line by whoever started it, not in a stack trace here.
        logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        bool toJournal = options.LogFormat == LogFormat.Auto && SystemdHelpers.IsSystemdService();
        bool asText = options.LogFormat == LogFormat.Text || (options.LogFormat == LogFormat.Auto && !Console.IsErrorRedirected);
        logging.AddConsole(static console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        if (toJournal || asText)
        {
            logging.Services.AddSingleton<ConsoleFormatter>(new LineFormatter(toJournal, TimeProvider.System));
            logging.Services.Configure<ConsoleLoggerOptions>(static console => console.FormatterName = LineFormatter.FormatterName);
        }
        else
        {
            logging.AddJsonConsole(static console =>
            {
                console.UseUtcTimestamp = true;
                console.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";
            });
        }
    }
}
