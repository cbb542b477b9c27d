using Microsoft.AspNetCore.Connections;

namespace KmsSidecar.Transport;

/// <summary>The connections that Kestrel has been given and over which no request has come yet. At its end it would close them, what they have
/// sent unread.</summary>
internal sealed class UnheardConnections
{
    /// <summary>A connection that is opened to ask something asks within that.</summary>
    private const int PatienceMilliseconds = 1_000;

    private const int LookEveryMilliseconds = 5;

    private int _count;
    private long _lastAt;

    public void Add(ConnectionContext connection)
    {
        Interlocked.Increment(ref _count);
        Volatile.Write(ref _lastAt, Environment.TickCount64);
        FirstRequest first = new(this);
        connection.Features.Set(first);
        connection.ConnectionClosed.UnsafeRegister(static state => ((FirstRequest)state!).HasCome(), first);
    }

    /// <summary>Returns when each has been heard, or is gone, or has had its time.</summary>
    public async Task WaitAsync(CancellationToken cancellation)
    {
        while (Volatile.Read(ref _count) > 0
            && Environment.TickCount64 < Volatile.Read(ref _lastAt) + PatienceMilliseconds
            && !cancellation.IsCancellationRequested)
        {
            await Task.Delay(LookEveryMilliseconds, CancellationToken.None);
        }
    }

    /// <summary>A feature of the connection, which its requests have too.</summary>
    internal sealed class FirstRequest(UnheardConnections connections)
    {
        private int _hasCome;

        public void HasCome()
        {
            if (Interlocked.Exchange(ref _hasCome, 1) == 0)
            {
                Interlocked.Decrement(ref connections._count);
            }
        }
    }
}
