using KmsSidecar.Storage;
using Xunit;

namespace KmsSidecar.Tests.Storage;

public sealed class BelievedTimeTests : IDisposable
{
    private readonly TempDirectory _temp = new();

    private BelievedTime Time => new(new DurableDirectory(_temp.FullPath, new SystemFileSteps()));

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void WhatIsKept_IsFound_ToTheSecond()
    {
        DateTimeOffset time = new(2026, 7, 8, 9, 10, 11, TimeSpan.Zero);
        Assert.Null(Time.Find());

        Time.Keep(time.AddYears(1));
        Time.Keep(time.AddMilliseconds(12));

        Assert.Equal(time, Time.Find());
    }

    [Theory]
    [InlineData("")]
    [InlineData("soon")]
    [InlineData("-1")]
    [InlineData("9223372036854775807")]
    public void WhatCannotBeRead_IsLongAgo(string content)
    {
        File.WriteAllText(_temp.PathOf(BelievedTime.FileName), content);
        Assert.Equal(DateTimeOffset.UnixEpoch, Time.Find());
    }
}
