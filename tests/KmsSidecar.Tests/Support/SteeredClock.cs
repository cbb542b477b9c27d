using Microsoft.Extensions.Time.Testing;

namespace KmsSidecar.Tests.Support;

/// <summary>A clock that time passes on, and whose wall clock can be set apart from that, as an operator or a bad time server does.</summary>
internal sealed class SteeredClock : TimeProvider
{
    private readonly FakeTimeProvider _passing = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private TimeSpan _offset;

    public override long TimestampFrequency => _passing.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => _passing.GetUtcNow() + _offset;

    public override long GetTimestamp() => _passing.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        _passing.CreateTimer(callback, state, dueTime, period);

    /// <summary>Time passes, on both clocks.</summary>
    public void Pass(TimeSpan time) => _passing.Advance(time);

    /// <summary>The wall clock alone is set ahead, or back.</summary>
    public void SetAhead(TimeSpan jump) => _offset += jump;
}
