using KmsSidecar.CommandLine.Bench;
using Xunit;

namespace KmsSidecar.Tests.CommandLine.Bench;

public sealed class LatencyHistogramTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(20_000)]
    [InlineData(1_234_567_890)]
    public void APercentile_IsAtMost1Of64Above_AndNeverBelow(long nanoseconds)
    {
        LatencyHistogram latencies = new();
        latencies.Record(nanoseconds);
        latencies.Record(long.MaxValue);

        Assert.InRange(latencies.Percentile(50), nanoseconds, nanoseconds + (nanoseconds / 64));
    }

    [Fact]
    public void Ranks_AreThoseOfTheSamples()
    {
        LatencyHistogram latencies = new();
        for (int value = 1; value <= 60; value++)
        {
            latencies.Record(value);
        }

        Assert.Equal((1L, 30L, 60L, 60L), (latencies.Percentile(0), latencies.Percentile(50), latencies.Percentile(100), latencies.Max));
    }

    [Fact]
    public void Merged_TheyCountAsOne()
    {
        (LatencyHistogram one, LatencyHistogram other) = (new(), new());
        one.Record(10);
        other.Record(1_000_003);
        one.Add(other);

        Assert.Equal((2L, 10L, 1_000_003L), (one.Count, one.Percentile(50), one.Max));
    }

    [Fact]
    public void WithoutSamples_ThereIsNoLatency() => Assert.Equal(0, new LatencyHistogram().Percentile(99));
}
