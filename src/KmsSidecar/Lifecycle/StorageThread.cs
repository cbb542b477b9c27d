using System.Collections.Concurrent;

namespace KmsSidecar.Lifecycle;

/// <summary>One thread that waits for the disk. Of the pool's threads there are as many as cores, and the data path would wait with them.</summary>
/// <remarks>One for the life of the service: OpenSSL keeps a generator of random numbers for each thread that seals something, which costs
/// more to set up than a change does, and memory that comes back in pieces. Starts with the first piece of work.</remarks>
internal sealed class StorageThread : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];
    private readonly Lazy<Thread> _thread;

    public StorageThread() => _thread = new Lazy<Thread>(Start);

    /// <summary>Ends as the work ends, with its exception if it throws one.</summary>
    public Task RunAsync(Action work)
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = _thread.Value;
        _work.Add(() =>
        {
            try
            {
                work();
                done.SetResult();
            }
            catch (Exception failed)
            {
                done.SetException(failed);
            }
        });
        return done.Task;
    }

    /// <summary>No work comes after it.</summary>
    public void Dispose()
    {
        _work.CompleteAdding();
        if (_thread.IsValueCreated)
        {
            _thread.Value.Join();
        }

        _work.Dispose();
    }

    private Thread Start()
    {
        Thread thread = new(() =>
        {
            foreach (Action work in _work.GetConsumingEnumerable())
            {
                work();
            }
        })
        {
            IsBackground = true,
            Name = "storage",
        };
        thread.Start();
        return thread;
    }
}
