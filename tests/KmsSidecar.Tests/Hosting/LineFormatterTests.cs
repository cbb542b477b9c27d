using KmsSidecar.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.Hosting;

public sealed class LineFormatterTests
{
    [Fact]
    public void Line_HasTimeLevelCategoryAndEvent() =>
        Assert.Equal("03:04:05.006 warn rustfs::kms::api[2003] all is well\n", Format("all is well"));

    [Theory]
    [InlineData(LogLevel.Critical, "<2>")]
    [InlineData(LogLevel.Error, "<3>")]
    [InlineData(LogLevel.Warning, "<4>")]
    [InlineData(LogLevel.Information, "<6>")]
    [InlineData(LogLevel.Debug, "<7>")]
    public void JournalLine_BeginsWithTheSeverity(LogLevel level, string severity) =>
        Assert.Equal($"{severity}rustfs::kms::api[2003] all is well\n", Format("all is well", toJournal: true, level));

    [Theory]
    [InlineData("a\nb\r\nc\td", "a b  c d")]
    [InlineData("\u001b[31mred\u0000\u007f\u009b", "\ufffd[31mred\ufffd\ufffd\ufffd")]
    [InlineData("\u202eright to left\u2028\u2029", "\ufffdright to left\ufffd\ufffd")]
    [InlineData("clé 🔑", "clé 🔑")]
    public void WhatDoesNotPrint_IsReplaced(string message, string shown) =>
        Assert.EndsWith($"] {shown}\n", Format(message));

    [Fact]
    public void LoneSurrogate_IsReplaced() => Assert.EndsWith("] lone \ufffd surrogate\n", Format("lone \ud83d surrogate"));

    [Fact]
    public void Exception_IsOnTheSameLine()
    {
        string line = Format("it failed", exception: new InvalidOperationException("one\ntwo\u001b"));

        Assert.EndsWith("it failed System.InvalidOperationException: one two\ufffd\n", line);
        Assert.Equal(1, line.Count(static character => character == '\n'));
    }

    private static string Format(string message, bool toJournal = false, LogLevel level = LogLevel.Warning, Exception? exception = null)
    {
        FakeTimeProvider clock = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, 6, TimeSpan.Zero));
        clock.SetLocalTimeZone(TimeZoneInfo.Utc);
        using StringWriter text = new();
        new LineSink(new LineFormatter(toJournal, clock).Format, text).Write(
            new LogEvent(level, "rustfs::kms::api", 2003, message, exception, Values: null));
        return text.ToString();
    }
}
