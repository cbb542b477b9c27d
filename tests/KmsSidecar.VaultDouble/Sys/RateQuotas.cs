using KmsSidecar.Doubles.Core;

namespace KmsSidecar.Doubles.Sys;

/// <summary>Rate limits on paths. A limit starts to count with its first request and anew after each interval.</summary>
internal sealed class RateQuotas(TimeProvider clock)
{
    private readonly Dictionary<string, Quota> _quotas = [];

    /// <param name="path">Requests below it are counted; empty for all.</param>
    public void Set(string name, string path, double rate, TimeSpan interval) => _quotas[name] = new Quota(path.Trim('/'), rate, interval);

    public void Remove(string name) => _quotas.Remove(name);

    public void Count(string @namespace, string path)
    {
        DateTimeOffset now = clock.GetUtcNow();
        string full = $"{@namespace}{path}";
        foreach (Quota quota in _quotas.Values.Where(quota => quota.Path.Length == 0 || full.StartsWith($"{quota.Path}/", StringComparison.Ordinal)))
        {
            if (now - quota.Since >= quota.Interval)
            {
                (quota.Since, quota.Used) = (now, 0);
            }

            if (++quota.Used > quota.Rate)
            {
                throw new VaultFailure(429, $"request path \"{path}\": rate limit quota exceeded");
            }
        }
    }

    private sealed class Quota(string path, double rate, TimeSpan interval)
    {
        public string Path { get; } = path;

        public double Rate { get; } = rate;

        public TimeSpan Interval { get; } = interval;

        public DateTimeOffset Since { get; set; }

        public int Used { get; set; }
    }
}
