using KmsSidecar.Errors;
using KmsSidecar.Sharing;

namespace KmsSidecar.Vault;

/// <summary>Lets callers that wait at the same moment share a call.</summary>
/// <remarks>
/// <para>Per key and direction at most <see cref="SlotsPerLane"/> calls are under way. Who finds a slot free takes it, alone and at once, with a
/// call like any other; who comes while all are taken waits, and the next slot that becomes free takes all who wait. There is no timer.</para>
/// <para>Thread-safe. A bad item fails its own caller; the fault of a call, all whose items were in it.</para>
/// </remarks>
internal sealed class TransitCoalescer(TransitEngine engine)
{
    /// <summary>Most items of a call. Below what OpenBao refuses as too complex (a batch of 100 passes, one of 250 does not).</summary>
    public const int MaxBatch = 64;

    public const int SlotsPerLane = 2;

    /// <summary>Most callers that wait, of all keys together.</summary>
    public const int MaxWaiting = 2048;

    private readonly Lock _gate = new();

    /// <summary>Only those with a call under way.</summary>
    private readonly Dictionary<(string Key, TransitDirection Direction), Lane> _lanes = [];
    private int _waiting;
    private int _batchLimit = 1;
    private long _sharedCalls;
    private long _sharedItems;

    /// <summary>Most items of a call from now on; with 1, where it begins, each goes as a call of its own and nobody waits.</summary>
    public int BatchLimit
    {
        get => Volatile.Read(ref _batchLimit);
        set => Volatile.Write(ref _batchLimit, value);
    }

    public CoalescingCounts Counts => new(Interlocked.Read(ref _sharedCalls), Interlocked.Read(ref _sharedItems), Volatile.Read(ref _waiting));

    /// <summary>Keys and directions with a call under way.</summary>
    public int LaneCount
    {
        get
        {
            lock (_gate)
            {
                return _lanes.Count;
            }
        }
    }

    /// <summary>Has an item encrypted or decrypted.</summary>
    /// <param name="key">A legal id.</param>
    /// <param name="item">Taken over, and wiped after its last use also where this throws.</param>
    /// <returns>The item with its outcome, which is now the caller's to dispose.</returns>
    /// <exception cref="OperationCanceledException">Only when <paramref name="cancellation"/> is cancelled.</exception>
    public async ValueTask<TransitItem> RunAsync(string key, TransitItem item, CancellationToken cancellation)
    {
        if (BatchLimit == 1)
        {
            await SendAloneAsync(key, item, cancellation);
            return item;
        }

        Lane lane;
        Waiter? waiter = null;
        lock (_gate)
        {
            lane = LaneOf(key, item.Direction);
            if (lane.Calls < SlotsPerLane)
            {
                lane.Calls++;
            }
            else if (_waiting == MaxWaiting)
            {
                item.Fail(KmsError.BackendUnavailable, $"more than {MaxWaiting} callers wait for Vault");
                return item;
            }
            else
            {
                waiter = new Waiter(item);
                waiter.Place = lane.Waiters.AddLast(waiter);
                _waiting++;
            }
        }

        if (waiter is null)
        {
            try
            {
                await SendAloneAsync(key, item, cancellation);
            }
            finally
            {
                PassSlotOn(lane);
            }
        }
        else
        {
            await WaitAsync(lane, waiter, cancellation);
        }

        return item;
    }

    private async ValueTask SendAloneAsync(string key, TransitItem item, CancellationToken cancellation)
    {
        try
        {
            await engine.SendAsync(key, item, cancellation);
        }
        catch
        {
            item.Dispose();
            throw;
        }
    }

    private async ValueTask WaitAsync(Lane lane, Waiter waiter, CancellationToken cancellation)
    {
        try
        {
            await waiter.Done.WaitAsync(cancellation);
        }
        catch
        {
            if (TryLeave(lane, waiter))
            {
                waiter.Item.Dispose();
            }

            throw;
        }
    }

    /// <returns>False when the call that the item is in goes on, and has it to dispose.</returns>
    private bool TryLeave(Lane lane, Waiter waiter)
    {
        lock (_gate)
        {
            if (waiter.Place is { } place)
            {
                lane.Waiters.Remove(place);
                waiter.Place = null;
                _waiting--;
                return true;
            }

            waiter.IsAbandoned = true;
            return waiter.IsOver;
        }
    }

    private void PassSlotOn(Lane lane)
    {
        if (TryTake(lane, out List<Waiter> taken))
        {
            // Not on the thread of a caller, who has what he came for.
            _ = Task.Run(() => ServeAsync(lane, taken));
        }
    }

    /// <summary>Runs as long as there are callers who wait.</summary>
    private async Task ServeAsync(Lane lane, List<Waiter> taken)
    {
        do
        {
            Exception? failure = null;
            try
            {
                await SendTogetherAsync(lane, taken.Select(static waiter => waiter.Item).ToArray());
            }
            catch (Exception unexpected)
            {
                failure = unexpected;
            }

            Complete(taken, failure);
        }
        while (TryTake(lane, out taken));
    }

    /// <summary>With the callers gone or not: what they share is not cancelled by one of them.</summary>
    private async ValueTask SendTogetherAsync(Lane lane, ArraySegment<TransitItem> items)
    {
        if (items.Count == 1)
        {
            await engine.SendAsync(lane.Key, items[0], CancellationToken.None);
        }
        else if (!await engine.TrySendAsync(lane.Key, items, CancellationToken.None))
        {
            int half = (items.Count + 1) / 2;
            BatchLimit = Math.Min(BatchLimit, half);
            await SendTogetherAsync(lane, items[..half]);
            await SendTogetherAsync(lane, items[half..]);
        }
        else
        {
            Interlocked.Increment(ref _sharedCalls);
            Interlocked.Add(ref _sharedItems, items.Count);
        }
    }

    private void Complete(List<Waiter> taken, Exception? failure)
    {
        lock (_gate)
        {
            foreach (Waiter waiter in taken)
            {
                waiter.IsOver = true;
                if (waiter.IsAbandoned)
                {
                    waiter.Item.Dispose();
                }
            }
        }

        foreach (Waiter waiter in taken)
        {
            waiter.Complete(failure);
        }
    }

    /// <summary>Takes those who wait, or else gives the slot back.</summary>
    private bool TryTake(Lane lane, out List<Waiter> taken)
    {
        taken = [];
        lock (_gate)
        {
            for (int limit = BatchLimit; taken.Count < limit && lane.Waiters.First is { } first; _waiting--)
            {
                lane.Waiters.RemoveFirst();
                first.Value.Place = null;
                taken.Add(first.Value);
            }

            if (taken.Count == 0 && --lane.Calls == 0)
            {
                _lanes.Remove((lane.Key, lane.Direction));
            }
        }

        return taken.Count > 0;
    }

    private Lane LaneOf(string key, TransitDirection direction)
    {
        if (!_lanes.TryGetValue((key, direction), out Lane? lane))
        {
            _lanes[(key, direction)] = lane = new Lane(key, direction);
        }

        return lane;
    }

    /// <summary>A key in one direction, while it has a call under way.</summary>
    private sealed class Lane(string key, TransitDirection direction)
    {
        public string Key { get; } = key;

        public TransitDirection Direction { get; } = direction;

        public LinkedList<Waiter> Waiters { get; } = [];

        public int Calls { get; set; }
    }

    /// <summary>A caller who waits for a slot, and then for the call. All but <see cref="Done"/> is read and written in the lock.</summary>
    private sealed class Waiter(TransitItem item)
    {
        private readonly TaskCompletionSource _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TransitItem Item { get; } = item;

        public Task Done => _source.Task;

        /// <summary>Null once its call has begun.</summary>
        public LinkedListNode<Waiter>? Place { get; set; }

        /// <summary>Its caller has gone.</summary>
        public bool IsAbandoned { get; set; }

        /// <summary>Its call has ended.</summary>
        public bool IsOver { get; set; }

        public void Complete(Exception? failure)
        {
            if (failure is null)
            {
                _source.SetResult();
            }
            else
            {
                _source.SetException(failure);
                _ = _source.Task.Exception;
            }
        }
    }
}
