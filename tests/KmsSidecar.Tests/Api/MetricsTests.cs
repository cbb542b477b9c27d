using System.Text.RegularExpressions;
using KmsSidecar.Observability;
using KmsSidecar.Tests.Support;
using Xunit;

namespace KmsSidecar.Tests.Api;

public sealed partial class MetricsTests(RunningHost running) : IClassFixture<RunningHost>
{
    private const string OpenMetrics = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";

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
        Assert.Equal(1, metrics.Samples["""kms_sidecar_configuration_changes_total{kind="start",result="success"}"""]);
        Assert.InRange(metrics.Samples["process_resident_memory_bytes"], 1 << 20, 1L << 40);
        Assert.InRange(metrics.Samples["process_open_fds"], 5, metrics.Samples["process_max_fds"]);
    }

    [Fact]
    public async Task OpenMetrics_HasTheSameSamples_AndItsOwnNamesAndUnits()
    {
        (await _host.Data.PostAsync("/v1/generate-data-key")).Expect(200);
        string plain = (await _host.Admin.GetAsync("/metrics")).Expect(200).Text;

        Answer answer = (await _host.Admin.GetAcceptingAsync("/metrics", OpenMetrics)).Expect(200);

        Assert.Equal("application/openmetrics-text; version=1.0.0; charset=utf-8", answer.Header("Content-Type"));
        Assert.EndsWith("\n# EOF\n", answer.Text);
        Assert.Contains("# TYPE kms_sidecar_requests counter\nkms_sidecar_requests_total{", answer.Text);
        Assert.Contains("# TYPE process_cpu_seconds counter\n# UNIT process_cpu_seconds seconds\nprocess_cpu_seconds_total ", answer.Text);
        Assert.Contains("# UNIT process_resident_memory_bytes bytes\n", answer.Text);
        Assert.DoesNotContain("_total counter", answer.Text);
        Assert.Equal(NamesIn(plain), NamesIn(answer.Text));
    }

    [Fact]
    public async Task Names_FollowTheConventions()
    {
        (await _host.Data.PostAsync("/v1/generate-data-key")).Expect(200);

        MetricsLint.Check(_host.Host.Metrics.Families);
        MetricsLint.CheckLabels(await ReadAsync());
    }

    [Fact]
    public void Lint_SeesWhatIsAgainstTheConventions()
    {
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(static () => Lint("kms_sidecar_things", MetricType.Counter));
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(static () => Lint("kms_sidecar_things_total", MetricType.Gauge));
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(static () => Lint("kms_sidecar_wait_milliseconds", MetricType.Gauge));
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(static () => Lint("kms_sidecar_wait", MetricType.Histogram));
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(static () => Lint("other_things", MetricType.Gauge));
        Lint("kms_sidecar_wait_seconds", MetricType.Histogram);

        static void Lint(string name, MetricType type) => MetricsLint.Check([new MetricFamily(name, type, "What it is.", static _ => { })]);
    }

    [Fact]
    public async Task Request_IsCountedByRouteSurfaceBackendAndResult()
    {
        const string Labels = """route="GET /v1/keys/{key_id}",operation="describe_key",surface="data_socket",backend="local" """;
        string counter = $$"""kms_sidecar_requests_total{{{Labels.Trim()}},result="invalid",status="404"}""";
        string histogram = $$"""kms_sidecar_request_duration_seconds_count{{{Labels.Trim()}}}""";
        double before = (await ReadAsync()).Samples.GetValueOrDefault(counter);

        (await _host.Data.GetAsync("/v1/keys/not-there")).Expect(404);

        PrometheusText after = await ReadAsync();
        Assert.Equal(before + 1, after.Samples[counter]);
        Assert.True(after.Samples[histogram] >= after.Samples[counter]);
    }

    [Fact]
    public async Task NativeAndAwsForm_CountAsOneOperation()
    {
        const string Counter = """rustfs_kms_backend_operations_total{backend="local",operation="generate_data_key",op_class="read_idempotent",outcome="success"}""";
        double before = (await ReadAsync()).Samples[Counter];

        (await _host.Data.PostAsync("/v1/generate-data-key")).Expect(200);
        (await _host.Data.AwsAsync("GenerateDataKey", """{"KeyId":"master","KeySpec":"AES_256"}""")).Expect(200);

        Assert.Equal(before + 2, (await ReadAsync()).Samples[Counter]);
    }

    [Fact]
    public async Task PausedService_IsAFailure_WhateverTheStatus()
    {
        const string Counter = """kms_sidecar_operation_failures_total{operation="generate_data_key",result="unavailable"}""";
        await using TestHost host = await TestHost.StartRunningAsync();
        (await host.Admin.PostAsync($"{TestHost.Kms}/stop")).Expect(200);
        Assert.Equal(0, PrometheusText.Parse((await host.Admin.GetAsync("/metrics")).Text).Samples[Counter]);

        (await host.Data.PostAsync("/v1/generate-data-key")).Expect(503);
        (await host.Data.AwsAsync("GenerateDataKey", """{"KeyId":"master","KeySpec":"AES_256"}""")).ExpectAws(400, "KMSInvalidStateException");

        Assert.Equal(2, PrometheusText.Parse((await host.Admin.GetAsync("/metrics")).Text).Samples[Counter]);
    }

    [Fact]
    public async Task UnauthenticatedRequest_IsCountedByWhatItWasTold()
    {
        const string Counter = """kms_sidecar_authentication_failures_total{code="InvalidAccessKeyId"}""";
        using ApiClient stranger = ApiClient.OverTcp(_host.Address, ("nobody", "has-this-secret"));
        double before = (await ReadAsync()).Samples[Counter];

        (await stranger.GetAsync($"{TestHost.Kms}/status")).Expect(403);

        Assert.Equal(before + 1, (await ReadAsync()).Samples[Counter]);
    }

    [Fact]
    public async Task HostileRequests_MakeNoSeries()
    {
        await using TestHost host = await TestHost.StartRunningAsync();
        await BotherAsync(host, "first");
        string[] before = [.. await SeriesAsync(host)];

        for (int i = 0; i < 20; i++)
        {
            await BotherAsync(host, $"n\"}}{i}\\");
        }

        Assert.Equal(before, await SeriesAsync(host));
    }

    /// <summary>All series, whatever the results were: strangers that go on are told to slow down.</summary>
    private static async Task<IEnumerable<string>> SeriesAsync(TestHost host) =>
        PrometheusText.Parse((await host.Admin.GetAsync("/metrics")).Expect(200).Text).Samples.Keys.Select(static sample => Result().Replace(sample, "")).Distinct();

    /// <summary>The same kinds of nonsense at every door, with another text in it.</summary>
    private static async Task BotherAsync(TestHost host, string text)
    {
        using ApiClient stranger = ApiClient.OverTcp(host.Address, ("nobody", "has-this-secret"));
        string escaped = Uri.EscapeDataString(text);
        foreach (ApiClient client in new[] { host.Data, host.Admin, host.Tcp, stranger })
        {
            await client.GetAsync($"/{escaped}");
            await client.GetAsync($"/v1/keys/{escaped}?{escaped}={escaped}");
            await client.GetAsync($"{TestHost.Kms}/keys/{escaped}");
            await client.SendAsync($"VERB{text.Length}", $"/{escaped}");
            await client.AwsAsync(new string('x', text.Length), "{}");
            await client.PostAsync("/v1/generate-data-key", $$"""{"key_id":"{{escaped}}"}""");
            await client.GetAsync("/metrics");
        }
    }

    private static string[] NamesIn(string text) =>
        [.. text.Split('\n').Where(static line => line.Length > 0 && line[0] != '#').Select(static line => line.Split(' ', '{')[0]).Distinct()];

    [GeneratedRegex("result=\"[a-z]+\",status=\"[a-z0-9]+\"")]
    private static partial Regex Result();

    private async Task<PrometheusText> ReadAsync() => PrometheusText.Parse((await _host.Admin.GetAsync("/metrics")).Expect(200).Text);
}
