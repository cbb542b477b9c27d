using KmsSidecar.CommandLine.Terminal;
using Xunit;

namespace KmsSidecar.Tests.CommandLine;

public sealed class TerminalTests
{
    [Fact]
    public void Columns_AreAligned_WhateverTheirColours()
    {
        Table table = new();
        table.Add("\e[32mab\e[0m", "x", "last");
        table.Add("a", "long", "");
        table.Add("abc");
        using StringWriter output = new() { NewLine = "\n" };
        table.WriteTo(output);

        Assert.Equal("\e[32mab\e[0m   x     last\na    long\nabc\n", output.ToString());
    }

    [Fact]
    public void AnEmptyTable_IsNothing()
    {
        using StringWriter output = new();
        new Table().WriteTo(output);

        Assert.Empty(output.ToString());
    }

    [Theory]
    [InlineData(0, "now")]
    [InlineData(1, "in 1 second")]
    [InlineData(-90, "90 seconds ago")]
    [InlineData(120, "in 2 minutes")]
    [InlineData(-5400, "90 minutes ago")]
    [InlineData(7 * 86_400 + 86_399, "in 8 days")]
    public void Distances_AreSaidInTheLargestUnitOfWhichThereAreTwo(int seconds, string expected) =>
        Assert.Equal(expected, HumanTime.Of(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData("2026-01-31T12:00:00Z")]
    [InlineData("2026-01-31T12:00:00.000+00:00[UTC]")]
    [InlineData("2026-01-31T14:00:00+02:00")]
    public void Times_AreReadInEveryFormOfTheDaemon(string text) =>
        Assert.Equal(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero), HumanTime.Parse(text));

    [Fact]
    public void WhatIsNoTime_IsShownAsItIs() => Assert.Equal("soon", HumanTime.Of("soon"));
}
