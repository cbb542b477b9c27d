using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace KmsSidecar.Hosting;

/// <summary>One line of text for each event, whatever is in its message: a line break cannot forge a second event, an escape sequence cannot
/// reach a terminal.</summary>
/// <param name="toJournal">Begins with the severity that systemd reads, sd-daemon(3), instead of the time.</param>
internal sealed class LineFormatter(bool toJournal, TimeProvider clock) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "line";

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        (int severity, string level) = Describe(logEntry.LogLevel);
        string start = toJournal
            ? string.Create(CultureInfo.InvariantCulture, $"<{severity}>")
            : string.Create(CultureInfo.InvariantCulture, $"{clock.GetLocalNow():HH:mm:ss.fff} {level} ");
        string message = logEntry.Formatter(logEntry.State, logEntry.Exception);
        string exception = logEntry.Exception is null ? "" : $" {logEntry.Exception}";
        textWriter.WriteLine($"{start}{logEntry.Category}[{logEntry.EventId.Id}] {OnOneLine(message + exception)}");
    }

    /// <summary>Line breaks and tabs become spaces, and whatever else does not print becomes U+FFFD.</summary>
    private static string OnOneLine(string text)
    {
        StringBuilder line = new(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            line.Append(rune.Value switch
            {
                '\n' or '\t' or '\r' => new Rune(' '),
                _ => Prints(rune) ? rune : Rune.ReplacementChar,
            });
        }

        return line.ToString();
    }

    private static bool Prints(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);

    /// <summary>The severities of syslog(3).</summary>
    private static (int Severity, string Level) Describe(LogLevel level) => level switch
    {
        LogLevel.Critical => (2, "crit"),
        LogLevel.Error => (3, "error"),
        LogLevel.Warning => (4, "warn"),
        LogLevel.Information => (6, "info"),
        _ => (7, "debug"),
    };
}
