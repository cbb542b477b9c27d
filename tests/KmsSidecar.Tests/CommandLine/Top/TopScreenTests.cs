using KmsSidecar.CommandLine.Terminal;
using KmsSidecar.CommandLine.Top;
using Xunit;

namespace KmsSidecar.Tests.CommandLine.Top;

public sealed class TopScreenTests
{
    [Theory]
    [InlineData(80, 24)]
    [InlineData(120, 35)]
    [InlineData(200, 60)]
    [InlineData(80, 5)]
    public void Nothing_IsBeyondTheTerminal(int columns, int rows)
    {
        string[] lines = Draw(columns, rows, operations: 50, trouble: new string('x', 300));

        Assert.True(lines.Length <= rows);
        Assert.All(lines, line => Assert.True(Ink.WidthOf(line) <= columns, line));
    }

    [Fact]
    public void At80By24_EverythingImportantIsThere()
    {
        string screen = string.Join('\n', Draw(80, 24, operations: 3, trouble: null));

        Assert.Contains("Running, generation 4, up 2 min", screen);
        Assert.Contains("1,234 requests/s  2.0 failed/s  0 refused/s", screen);
        Assert.Contains("operation-0        data_socket       12   22 µs  1.5 ms  > 10 s     2.0       0", screen);
        Assert.Contains("cache         99 %", screen);
        Assert.All(screen.Split('\n'), static line => Assert.True(Ink.WidthOf(line) <= 80, line));
    }

    [Fact]
    public void Trouble_StandsWhereTheStateDoes()
    {
        string[] lines = Draw(80, 24, operations: 1, trouble: "nothing listens on /run/admin.sock");

        Assert.Contains("nothing listens on /run/admin.sock", lines[0]);
    }

    [Fact]
    public void Graph_HasTheNewestValueAtTheRight_AndTheHighestOneFull() =>
        Assert.Equal(["  ▁▄█"], Graph.Draw([0.0001, 50, 100], 5, 1));

    [Fact]
    public void HighGraph_IsFilledFromBelow() => Assert.Equal([" █", "██"], Graph.Draw([50, 100], 2, 2));

    [Fact]
    public void GraphOfNothing_IsEmpty() => Assert.Equal(["   ", "   "], Graph.Draw([0], 3, 2));

    [Theory]
    [InlineData(0.00002, "20 µs")]
    [InlineData(0.0015, "1.5 ms")]
    [InlineData(2.0, "2 s")]
    [InlineData(null, "-")]
    public void Latency_HasTheUnitThatFits(double? seconds, string expected) => Assert.Equal(expected, Quantity.Latency(seconds));

    private static string[] Draw(int columns, int rows, int operations, string? trouble)
    {
        OperationRow[] made = [.. Enumerable.Range(0, operations).Select(static i =>
            new OperationRow($"operation-{i}", "data_socket", 12, 2, 0, 0.000022, 0.0015, double.PositiveInfinity))];
        TopView view = new("1.0.0", "Running", 4, 130, 1234, 2, 0, made, [new Fact("cache", "99 %"), new Fact("backend", new string('y', 300), IsBad: true)]);
        RateHistory history = new();
        history.Add(view);
        return new TopScreen(columns, rows).Draw(view, history, "/run/kms-sidecar/admin.sock", trouble);
    }
}
