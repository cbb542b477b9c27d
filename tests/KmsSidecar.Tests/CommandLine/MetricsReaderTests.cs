using System.Text;
using KmsSidecar.CommandLine.Client;
using Xunit;

namespace KmsSidecar.Tests.CommandLine;

public sealed class MetricsReaderTests
{
    [Fact]
    public void Samples_HaveNameLabelsAndValue()
    {
        MetricsScrape scrape = Read("""
            # HELP up Whether.
            # TYPE up gauge
            up 1
            requests_total{operation="decrypt",result="success"} 41 1700000000
            requests_total{operation="a \"b\" \\ c\nd",} 1.5e3
            duration_bucket{le="+Inf"} 7
            # EOF
            """);

        Assert.Equal(1, scrape.Value("up"));
        MetricSample[] requests = [.. scrape.Of("requests_total")];
        Assert.Equal(("decrypt", "success", "", 41.0), (requests[0].Label("operation"), requests[0].Label("result"), requests[0].Label("le"), requests[0].Value));
        Assert.Equal(("a \"b\" \\ c\nd", 1500.0), (requests[1].Label("operation"), requests[1].Value));
        Assert.Equal(1541, scrape.Sum("requests_total"));
        Assert.Null(scrape.Sum("nothing"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("name")]
    [InlineData("name ")]
    [InlineData("name x")]
    [InlineData("{a=\"b\"} 1")]
    [InlineData("name{ 1")]
    [InlineData("name{a} 1")]
    [InlineData("name{a=b} 1")]
    [InlineData("name{a=\"b} 1")]
    [InlineData("name{a=\"b\\")]
    [InlineData("name{a=")]
    public void WhatIsNoSample_IsPassedOver(string line)
    {
        MetricsScrape scrape = Read($"{line}\ngood 1\n");

        Assert.Empty(scrape.Of("name"));
        Assert.Equal(1, scrape.Value("good"));
    }

    [Fact]
    public void AnyBytes_EndInSomeScrape()
    {
        Random random = new(1);
        byte[] good = Encoding.UTF8.GetBytes("a_bucket{le=\"0.00002\",operation=\"x\\\"y\"} 12\n# TYPE a histogram\nb 1\n");
        for (int i = 0; i < 20_000; i++)
        {
            byte[] text = [.. good];
            for (int change = 0; change < 4; change++)
            {
                text[random.Next(text.Length)] = (byte)random.Next(256);
            }

            MetricsScrape scrape = MetricsReader.Read(text.AsSpan(0, random.Next(text.Length)));
            Assert.True(scrape.Of("b").Count() <= 3);
        }
    }

    [Fact]
    public void ThereIsAnEndToWhatIsKept() =>
        Assert.Equal(50_000, MetricsReader.Read(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("a 1\n", 60_000)))).Of("a").Count());

    private static MetricsScrape Read(string text) => MetricsReader.Read(Encoding.UTF8.GetBytes(text));
}
