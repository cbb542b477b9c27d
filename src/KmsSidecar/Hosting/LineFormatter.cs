using System.Globalization;
using System.Text;
using KmsSidecar.Observability;

namespace KmsSidecar.Hosting;

/// <summary>One line of text for each event, whatever is in its message: a line break cannot forge a second event, an escape sequence cannot
/// reach a terminal.</summary>
/// <param name="toJournal">Begins with the severity that systemd reads, sd-daemon(3), instead of the time.</param>
internal sealed class LineFormatter(bool toJournal, TimeProvider clock)
{
    public string Format(LogEvent logged)
    {
        (int severity, string level) = Describe(logged.Level);
        string start = toJournal
            ? string.Create(CultureInfo.InvariantCulture, $"<{severity}>")
            : string.Create(CultureInfo.InvariantCulture, $"{clock.GetLocalNow():HH:mm:ss.fff} {level} ");
        string request = logged.RequestId is { } id ? $", request {id}" : "";
        return $"{start}{logged.Category}[{logged.Id}] {TextOf(logged)}{request}";
    }

    /// <summary>The message and, where there is one, the exception, on one line.</summary>
    public static string TextOf(LogEvent logged) => OnOneLine(logged.Exception is null ? logged.Message : $"{logged.Message} {logged.Exception}");

    /// <summary>Of syslog(3).</summary>
    public static int SeverityOf(LogLevel level) => Describe(level).Severity;

    /// <summary>Line breaks and tabs become spaces, and whatever else does not print becomes U+FFFD.</summary>
    private static string OnOneLine(string text)
    {
        StringBuilder line = new(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            line.Append(rune.Value switch
            {
                '\n' or '\t' or '\r' => new Rune(' '),
                _ => PrintableText.IsPrintable(rune) ? rune : Rune.ReplacementChar,
            });
        }

        return line.ToString();
    }

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
