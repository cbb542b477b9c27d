namespace KmsSidecar.Sharing;

/// <summary>Counts the users of something that must be disposed after the last one. Begins with one user: the maker. Lock-free.</summary>
internal sealed class ReferenceCount
{
    private int _count = 1;

    /// <summary>False when the last user has gone already.</summary>
    public bool TryAdd()
    {
        int count = Volatile.Read(ref _count);
        while (count > 0)
        {
            int seen = Interlocked.CompareExchange(ref _count, count + 1, count);
            if (seen == count)
            {
                return true;
            }

            count = seen;
        }

        return false;
    }

    /// <summary>True for the last user, who disposes.</summary>
    public bool Release() => Interlocked.Decrement(ref _count) == 0;
}
