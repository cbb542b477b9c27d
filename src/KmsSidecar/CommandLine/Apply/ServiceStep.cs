using System.Text.Json;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.Crypto;

namespace KmsSidecar.CommandLine.Apply;

/// <summary>Makes configuration and run state as the file has them.</summary>
/// <remarks>A running service is never left without the default key that it has: a new one that the backend does not make by itself is made
/// before the configuration names it. Before a first start, when nobody is served, the service runs without one until it is made.</remarks>
internal sealed class ServiceStep(PatientDaemon daemon, ItemSteps items, ApplyReport report)
{
    public const string ConfigurationItem = "configuration";

    public const string ServiceItem = "service";

    private const string NotConfigured = "NotConfigured";

    public async Task RunAsync(DesiredState desired, CancellationToken cancellation)
    {
        string state = await ReadStateAsync(cancellation);
        if (desired.State == DesiredState.Configured && state is not (DesiredState.Configured or NotConfigured))
        {
            report.Begin(ServiceItem);
            state = await ControlAsync("stop", "stopped", DesiredState.Configured, cancellation);
            report.End();
        }

        if (desired.Configuration is { } configuration)
        {
            report.Begin(ConfigurationItem);
            await ConfigureAsync(configuration, desired.DefaultKey, state, cancellation);
            report.End();
            state = report.IsRehearsal ? state : await ReadStateAsync(cancellation);
        }

        report.Begin(ServiceItem);
        if (desired.State == DesiredState.Running && state != DesiredState.Running)
        {
            await StartAsync(desired, cancellation);
        }

        report.End();
    }

    /// <summary>Whether keys can be asked for.</summary>
    public async Task<bool> IsRunningAsync(CancellationToken cancellation) => await ReadStateAsync(cancellation) == DesiredState.Running;

    private async Task<string> ReadStateAsync(CancellationToken cancellation) =>
        (await daemon.GetAsync("status", cancellation)).Text("status") ?? "";

    private async Task ConfigureAsync(DesiredConfiguration configuration, DesiredKey? defaultKey, string state, CancellationToken cancellation)
    {
        bool isFirst = state == NotConfigured;
        string route = isFirst ? "configure" : "reconfigure";
        using SecretBuffer body = isFirst ? configuration.ToConfigure() : configuration.ToReconfigure(configuration.DefaultKeyId);
        string difference;
        try
        {
            difference = await PreviewAsync(route, body, cancellation);
        }
        catch (CommandFault refusal) when (refusal.IsNotFound() && defaultKey is not null)
        {
            difference = await MakeDefaultKeyAsync(configuration, defaultKey, refusal, cancellation);
        }

        if (difference.Length == 0)
        {
            return;
        }

        if (!report.IsRehearsal)
        {
            await daemon.SendAsync(HttpMethod.Post, route, body.WrittenMemory, cancellation);
        }

        report.Add(ConfigurationItem, $"{(isFirst ? "configured" : "changed")} ({difference})");
    }

    private async Task<string> PreviewAsync(string route, SecretBuffer body, CancellationToken cancellation) =>
        ConfigurationDifference.Of(await daemon.SendAsync(HttpMethod.Post, $"{route}?dry_run=true", body.WrittenMemory, cancellation));

    /// <summary>Makes the new default key of a running service in the backend that it has.</summary>
    /// <param name="refusal">Stands where the file brings another backend: a key made in the former one would not help.</param>
    /// <returns>What the configuration changes with that key.</returns>
    private async Task<string> MakeDefaultKeyAsync(
        DesiredConfiguration configuration, DesiredKey key, CommandFault refusal, CancellationToken cancellation)
    {
        string? former = (await daemon.GetAsync("status", cancellation)).Text("default_key_id");
        using SecretBuffer unchangedKey = configuration.ToReconfigure(former);
        JsonElement preview = await daemon.SendAsync(HttpMethod.Post, "reconfigure?dry_run=true", unchangedKey.WrittenMemory, cancellation);
        if (preview.Text("backend") == "replaced")
        {
            throw refusal;
        }

        await items.RunAsync(key, cancellation);
        string others = ConfigurationDifference.Of(preview);
        return $"default_key_id {former ?? "none"} -> {key.Id}{(others.Length == 0 ? "" : ", ")}{others}";
    }

    private async Task StartAsync(DesiredState desired, CancellationToken cancellation)
    {
        try
        {
            await ControlAsync("start", "started", DesiredState.Running, cancellation);
        }
        catch (CommandFault refusal) when (refusal.IsNotFound() && desired is { Configuration: not null, DefaultKey: not null })
        {
            await StartWithoutDefaultKeyAsync(desired.Configuration, desired.DefaultKey, cancellation);
        }
    }

    private async Task StartWithoutDefaultKeyAsync(DesiredConfiguration configuration, DesiredKey key, CancellationToken cancellation)
    {
        using SecretBuffer without = configuration.ToReconfigure(defaultKeyId: null);
        await daemon.SendAsync(HttpMethod.Post, "reconfigure", without.WrittenMemory, cancellation);
        await ControlAsync("start", "started", DesiredState.Running, cancellation);
        await items.RunAsync(key, cancellation);
        using SecretBuffer whole = configuration.ToReconfigure(key.Id);
        await daemon.SendAsync(HttpMethod.Post, "reconfigure", whole.WrittenMemory, cancellation);
    }

    /// <returns>The state that follows.</returns>
    private async Task<string> ControlAsync(string verb, string done, string state, CancellationToken cancellation)
    {
        if (!report.IsRehearsal)
        {
            await daemon.SendAsync(HttpMethod.Post, verb, default, cancellation);
        }

        report.Add(ServiceItem, done);
        return state;
    }
}
