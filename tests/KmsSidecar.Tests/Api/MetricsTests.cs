using KmsSidecar.Tests.Support;
using Xunit;

namespace KmsSidecar.Tests.Api;

public sealed class MetricsTests(RunningHost running) : IClassFixture<RunningHost>
{
    private readonly TestHost _host = running.Host;

    [Fact]
    public async Task Text_IsInPrometheusFormat()
    {
        (await _host.Data.PostAsync("/v1/generate-data-key")).Expect(200);

        Answer answer = (await _host.Tcp.GetAsync("/metrics")).Expect(200);
        PrometheusText metrics = PrometheusText.Parse(answer.Text);

        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer.Header("Content-Type"));
        Assert.Equal(1, metrics.Samples["""kms_sidecar_state{state="Running"}"""]);
        Assert.Equal(0, metrics.Samples["""kms_sidecar_state{state="Error"}"""]);
        Assert.Equal(1, metrics.Samples["kms_sidecar_configuration_generation"]);
        Assert.Equal(1, metrics.Samples["""kms_sidecar_build_info{version="0.1.0"}"""]);
    }

    [Fact]
    public async Task Request_IsCountedByRouteAndStatus()
    {
        const string Counter = """kms_sidecar_requests_total{route="GET /v1/keys/{key_id}",status="404"}""";
        const string Histogram = """kms_sidecar_request_duration_microseconds_count{route="GET /v1/keys/{key_id}"}""";
        double before = (await ReadAsync()).Samples.GetValueOrDefault(Counter);

        (await _host.Data.GetAsync("/v1/keys/not-there")).Expect(404);

        PrometheusText after = await ReadAsync();
        Assert.Equal(before + 1, after.Samples[Counter]);
        Assert.True(after.Samples[Histogram] >= after.Samples[Counter]);
    }

    [Fact]
    public async Task HostilePaths_MakeNoSeries()
    {
        await _host.Data.GetAsync("/nope-0");
        await _host.Data.GetAsync("/v1/keys/nope-0");
        await _host.Tcp.GetAsync("/metrics");
        string[] before = [.. (await ReadAsync()).Samples.Keys];

        for (int i = 1; i <= 20; i++)
        {
            await _host.Data.GetAsync($"/nope-{i}");
            await _host.Data.GetAsync($"/v1/keys/nope-{i}?x=%22%7D{i}");
            await _host.Data.SendAsync($"VERB{i}", "/nope-0");
        }

        Assert.Equal(before, (await ReadAsync()).Samples.Keys);
    }

    private async Task<PrometheusText> ReadAsync() => PrometheusText.Parse((await _host.Admin.GetAsync("/metrics")).Expect(200).Text);
}
