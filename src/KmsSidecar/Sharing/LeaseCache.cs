using KmsSidecar.Errors;

namespace KmsSidecar.Sharing;

/// <summary>Keeps values that hold secrets for a limited time, fetches each once however many ask for it, and disposes it after its last user.</summary>
/// <remarks>
/// <para>Thread-safe. At most so many values are kept; the one that was not used for longest goes first. A value is disposed when it has
/// left the cache and the last lease on it has ended: by its age also where nobody asks for it any more.</para>
/// <para>A failed fetch is not kept. With no room or no lifetime nothing is kept at all, and only those who ask at the same moment share.</para>
/// </remarks>
internal sealed class LeaseCache<TKey, TValue> : IDisposable
    where TKey : notnull
    where TValue : class, IDisposable
{
    private readonly Dictionary<TKey, Entry> _entries;
    private readonly Dictionary<TKey, SharedFetch<Entry>> _fetches;

    /// <summary>Least recently used first.</summary>
    private readonly LinkedList<Entry> _uses = [];

    /// <summary>In the order in which they expire.</summary>
    private readonly LinkedList<Entry> _ages = [];
    private readonly Lock _gate = new();
    private readonly int _capacity;
    private readonly TimeSpan _lifetime;
    private readonly TimeProvider _clock;
    private readonly ITimer? _sweep;
    private long _hits;
    private long _misses;
    private long _evictions;
    private bool _disposed;

    public LeaseCache(int capacity, TimeSpan lifetime, TimeProvider clock, IEqualityComparer<TKey>? comparer = null)
    {
        (_capacity, _lifetime, _clock) = (lifetime > TimeSpan.Zero ? capacity : 0, lifetime, clock);
        _entries = new Dictionary<TKey, Entry>(comparer);
        _fetches = new Dictionary<TKey, SharedFetch<Entry>>(comparer);
        if (_capacity > 0)
        {
            TimeSpan period = TimeSpan.FromTicks(Math.Clamp(lifetime.Ticks / 2, TimeSpan.TicksPerSecond, TimeSpan.TicksPerMinute));
            _sweep = clock.CreateTimer(static cache => ((LeaseCache<TKey, TValue>)cache!).Sweep(), this, period, period);
        }
    }

    public CacheCounts Counts
    {
        get
        {
            lock (_gate)
            {
                return new CacheCounts(_hits, _misses, _evictions, _entries.Count);
            }
        }
    }

    /// <summary>The value that is kept, or the one that <paramref name="fetch"/> brings.</summary>
    /// <param name="fetch">Called without a lock, and not cancelled with its callers: what it does is bounded by itself. What it throws, all
    /// who wait for it are thrown.</param>
    /// <returns>None with a lease, which the caller disposes; or the error of the fetch with none.</returns>
    public ValueTask<(KmsError Error, Lease<TValue> Lease)> GetAsync<TState>(
        TKey key, TState state, Func<TKey, TState, Task<(KmsError Error, TValue? Value)>> fetch, CancellationToken cancellation) =>
        GetAsync(key, state, fetch, FetchPurpose.Use, cancellation);

    /// <summary>What a fetch brings that begins now. It takes the place of what is kept; where it fails, that stays.</summary>
    /// <inheritdoc cref="GetAsync{TState}(TKey, TState, Func{TKey, TState, Task{ValueTuple{KmsError, TValue}}}, CancellationToken)"/>
    public ValueTask<(KmsError Error, Lease<TValue> Lease)> RefreshAsync<TState>(
        TKey key, TState state, Func<TKey, TState, Task<(KmsError Error, TValue? Value)>> fetch, CancellationToken cancellation) =>
        GetAsync(key, state, fetch, FetchPurpose.Refresh, cancellation);

    /// <summary>The same for those who look at many: nothing in use has to go for it, and it counts as no use itself.</summary>
    /// <inheritdoc cref="GetAsync{TState}(TKey, TState, Func{TKey, TState, Task{ValueTuple{KmsError, TValue}}}, CancellationToken)"/>
    public ValueTask<(KmsError Error, Lease<TValue> Lease)> LookAsync<TState>(
        TKey key, TState state, Func<TKey, TState, Task<(KmsError Error, TValue? Value)>> fetch, CancellationToken cancellation) =>
        GetAsync(key, state, fetch, FetchPurpose.Look, cancellation);

    /// <summary>Puts a value in the place of what is kept or being fetched.</summary>
    /// <param name="value">Taken over.</param>
    public void Set(TKey key, TValue value)
    {
        Entry? former;
        Entry? evicted;
        Entry entry = new(key, value);
        lock (_gate)
        {
            former = Forget(key);
            evicted = Keep(entry, mayEvict: true);
        }

        former?.Release();
        evicted?.Release();
        entry.Release();
    }

    /// <summary>What is kept goes, and what is being fetched will not be kept: it may be older than the reason for this call.</summary>
    public void Remove(TKey key)
    {
        lock (_gate)
        {
            Forget(key)?.Release();
        }
    }

    /// <summary>As <see cref="Remove"/> for all there is.</summary>
    public void Clear()
    {
        Entry[] all;
        lock (_gate)
        {
            all = [.. _entries.Values];
            _entries.Clear();
            _uses.Clear();
            _ages.Clear();
            _fetches.Clear();
        }

        Array.ForEach(all, static entry => entry.Release());
    }

    /// <summary>Leases go on until they end. No call may begin any more.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
        }

        _sweep?.Dispose();
        Clear();
    }

    private async ValueTask<(KmsError Error, Lease<TValue> Lease)> GetAsync<TState>(
        TKey key, TState state, Func<TKey, TState, Task<(KmsError Error, TValue? Value)>> fetch, FetchPurpose purpose, CancellationToken cancellation)
    {
        SharedFetch<Entry> running;
        bool isMine = false;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (purpose == FetchPurpose.Refresh)
            {
                _fetches.Remove(key);
            }
            else if (Lookup(key, purpose) is { } held)
            {
                return (KmsError.None, new Lease<TValue>(held));
            }

            _misses += purpose == FetchPurpose.Look ? 0 : 1;
            if (!_fetches.TryGetValue(key, out running!))
            {
                isMine = true;
                _fetches[key] = running = new SharedFetch<Entry>();
            }

            running.Waiting++;
            running.IsForUse |= purpose != FetchPurpose.Look;
        }

        if (isMine)
        {
            _ = RunAsync(key, state, fetch, running);
        }

        try
        {
            (KmsError error, Entry? entry) = await running.Result.WaitAsync(cancellation);
            return (error, entry is null ? default : new Lease<TValue>(entry));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            Abandon(running);
            throw;
        }
    }

    private async Task RunAsync<TState>(
        TKey key, TState state, Func<TKey, TState, Task<(KmsError Error, TValue? Value)>> fetch, SharedFetch<Entry> running)
    {
        try
        {
            (KmsError error, TValue? value) = await fetch(key, state);
            Complete(key, running, error, value is null ? null : new Entry(key, value));
        }
        catch (Exception failed)
        {
            lock (_gate)
            {
                End(key, running);
            }

            running.Fail(failed);
        }
    }

    private void Complete(TKey key, SharedFetch<Entry> running, KmsError error, Entry? entry)
    {
        Entry? evicted = null;
        lock (_gate)
        {
            if (End(key, running) && entry is not null)
            {
                evicted = Keep(entry, running.IsForUse);
            }

            for (int i = 0; i < running.Waiting; i++)
            {
                entry?.Lend();
            }

            running.IsOver = true;
        }

        evicted?.Release();
        entry?.Release();
        running.Succeed(error, entry);
    }

    /// <returns>False when its result is not to be kept: something newer has come between.</returns>
    private bool End(TKey key, SharedFetch<Entry> running) =>
        _fetches.TryGetValue(key, out SharedFetch<Entry>? current) && current == running && _fetches.Remove(key) && !_disposed;

    /// <summary>A waiter that does not take its lease.</summary>
    private void Abandon(SharedFetch<Entry> running)
    {
        lock (_gate)
        {
            if (!running.IsOver)
            {
                running.Waiting--;
                return;
            }
        }

        _ = running.Result.ContinueWith(
            static result => result.Result.Value?.Release(),
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnRanToCompletion | TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    /// <summary>Lends what is kept, in the lock.</summary>
    private Entry? Lookup(TKey key, FetchPurpose purpose)
    {
        if (!_entries.TryGetValue(key, out Entry? entry) || IsOver(entry))
        {
            return null;
        }

        if (purpose == FetchPurpose.Use)
        {
            _hits++;
            _uses.Remove(entry.Use);
            _uses.AddLast(entry.Use);
        }

        entry.Lend();
        return entry;
    }

    /// <param name="mayEvict">For a use. Otherwise it is not kept where there is no room, and is the first to go.</param>
    /// <returns>What had to go instead.</returns>
    private Entry? Keep(Entry entry, bool mayEvict)
    {
        bool isNew = !_entries.TryGetValue(entry.Key, out Entry? former);
        if (_capacity == 0 || _disposed || (isNew && !mayEvict && _entries.Count >= _capacity))
        {
            return null;
        }

        // A value that is over stays until the sweep, unless its key is fetched again.
        Entry? evicted = !isNew ? former
            : _entries.Count >= _capacity ? _uses.First!.Value
            : null;
        if (evicted is not null)
        {
            Drop(evicted);
            _evictions += evicted == former ? 0 : 1;
        }

        entry.Lend();
        entry.Begun = _clock.GetTimestamp();
        _entries[entry.Key] = entry;
        if (mayEvict)
        {
            _uses.AddLast(entry.Use);
        }
        else
        {
            _uses.AddFirst(entry.Use);
        }

        _ages.AddLast(entry.Age);
        return evicted;
    }

    private Entry? Forget(TKey key)
    {
        _fetches.Remove(key);
        if (_entries.TryGetValue(key, out Entry? entry))
        {
            Drop(entry);
        }

        return entry;
    }

    private void Drop(Entry entry)
    {
        _entries.Remove(entry.Key);
        _uses.Remove(entry.Use);
        _ages.Remove(entry.Age);
    }

    private bool IsOver(Entry entry) => _clock.GetElapsedTime(entry.Begun) >= _lifetime;

    private void Sweep()
    {
        List<Entry> over = [];
        lock (_gate)
        {
            while (_ages.First?.Value is { } oldest && IsOver(oldest))
            {
                Drop(oldest);
                over.Add(oldest);
            }
        }

        over.ForEach(static entry => entry.Release());
    }

    private sealed class Entry : Shared<TValue>
    {
        public Entry(TKey key, TValue value)
            : base(value)
        {
            Key = key;
            Use = new LinkedListNode<Entry>(this);
            Age = new LinkedListNode<Entry>(this);
        }

        public TKey Key { get; }

        public LinkedListNode<Entry> Use { get; }

        public LinkedListNode<Entry> Age { get; }

        public long Begun { get; set; }
    }
}
