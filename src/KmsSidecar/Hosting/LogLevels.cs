using Microsoft.Extensions.Options;

namespace KmsSidecar.Hosting;

/// <summary>Which events are logged; may change while the daemon runs.</summary>
internal sealed class LogLevels(LogLevel level) : IOptionsMonitor<LoggerFilterOptions>
{
    private Action<LoggerFilterOptions, string?> _changed = static (_, _) => { };

    public LoggerFilterOptions CurrentValue { get; private set; } = From(level);

    public LogLevel Level
    {
        get => CurrentValue.MinLevel;
        set
        {
            CurrentValue = From(value);
            _changed(CurrentValue, null);
        }
    }

    public LoggerFilterOptions Get(string? name) => CurrentValue;

    /// <summary>For the one factory that uses it, as long as it lives.</summary>
    public IDisposable? OnChange(Action<LoggerFilterOptions, string?> listener)
    {
        _changed = listener;
        return null;
    }

    private static LoggerFilterOptions From(LogLevel level)
    {
        // The framework logs every connection at Debug, and quotes callers there.
        LogLevel framework = level > LogLevel.Warning ? level : LogLevel.Warning;
        LoggerFilterOptions filter = new() { MinLevel = level };
        filter.Rules.Add(new LoggerFilterRule(providerName: null, "Microsoft", framework, filter: null));
        return filter;
    }
}
