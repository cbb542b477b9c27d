namespace KmsSidecar.Doubles.Http;

/// <summary>A server that is busy for so long with each Transit request, and so many at a time: what waits queues up.</summary>
/// <param name="PerRequest">For the request itself.</param>
/// <param name="PerItem">For every item of it; a single encryption is one.</param>
/// <param name="Workers">Requests that are worked on at once.</param>
internal sealed record ServiceTime(TimeSpan PerRequest, TimeSpan PerItem, int Workers = 2)
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(0.5);

    private readonly Lock _gate = new();
    private readonly TimeSpan[] _freeAt = new TimeSpan[Workers];
    private readonly long _start = TimeProvider.System.GetTimestamp();

    /// <summary>Waits until a worker would be done: to the timer's millisecond for one request, exactly for the sum of many.</summary>
    public async Task WaitAsync(int items, CancellationToken cancellation)
    {
        TimeSpan now = TimeProvider.System.GetElapsedTime(_start);
        TimeSpan left = Reserve(now, items) - now;
        if (left >= Shortest)
        {
            await Task.Delay(left, cancellation);
        }
    }

    /// <param name="now">Since the start, as the result is.</param>
    /// <returns>When a worker is done with it.</returns>
    internal TimeSpan Reserve(TimeSpan now, int items)
    {
        lock (_gate)
        {
            int worker = Array.IndexOf(_freeAt, _freeAt.Min());
            TimeSpan begin = _freeAt[worker] > now ? _freeAt[worker] : now;
            return _freeAt[worker] = begin + PerRequest + (PerItem * items);
        }
    }
}
