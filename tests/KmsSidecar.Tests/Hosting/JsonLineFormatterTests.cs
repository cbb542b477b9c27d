using KmsSidecar.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.Hosting;

public sealed class JsonLineFormatterTests
{
    [Fact]
    public void Line_HasTheMembersOfTheFrameworksJsonConsole() => Assert.Equal(
        """
        {"Timestamp":"2026-01-02T03:04:05.006Z","EventId":2003,"LogLevel":"Warning","Category":"rustfs::kms::api","Message":"key k has 3 versions","State":{"Key":"k","Versions":3,"Last":true,"Who":null,"{OriginalFormat}":"key {Key} has {Versions} versions"}}

        """,
        Format("key k has 3 versions", ("Key", "k"), ("Versions", 3), ("Last", true), ("Who", null), ("{OriginalFormat}", "key {Key} has {Versions} versions")));

    [Fact]
    public void WhatWouldForgeALine_IsEscaped()
    {
        string line = Format("one\ntwo\"\u001b", ("Text", "three\r\n\u2028"));

        Assert.Contains("\"one\\ntwo\\u0022\\u001B\"", line, StringComparison.Ordinal);
        Assert.Contains("\"three\\r\\n\\u2028\"", line, StringComparison.Ordinal);
        Assert.Equal(1, line.Count(static character => character == '\n'));
    }

    [Fact]
    public void Exception_HasItsOwnMember() =>
        Assert.Contains(
            "\"Exception\":\"System.InvalidOperationException: it failed\",\"State\":{}",
            Format("bad", new InvalidOperationException("it failed")),
            StringComparison.Ordinal);

    private static string Format(string message, params (string Name, object? Value)[] state) => Format(message, null, state);

    private static string Format(string message, Exception? exception, params (string Name, object? Value)[] state)
    {
        FakeTimeProvider clock = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, 6, TimeSpan.Zero));
        KeyValuePair<string, object?>[] values = [.. state.Select(static pair => KeyValuePair.Create(pair.Name, pair.Value))];
        using StringWriter text = new();
        new LineSink(new JsonLineFormatter(clock).Format, text).Write(
            new LogEvent(LogLevel.Warning, "rustfs::kms::api", 2003, message, exception, values));
        return text.ToString();
    }
}
