namespace KmsSidecar.Audit;

/// <summary>Records that did not stand where they belong: they have been removed, unless they turn up later, moved.</summary>
internal sealed class AuditGaps
{
    /// <summary>A log that has more is beyond a list of places.</summary>
    private const int Max = 1000;

    private readonly List<Gap> _gaps = [];

    /// <param name="File">Where the record behind the gap stands.</param>
    internal sealed record Gap(long From, long To, string File, long Line);

    public IReadOnlyList<Gap> Open => _gaps;

    public void Add(Gap gap)
    {
        if (_gaps.Count < Max)
        {
            _gaps.Add(gap);
        }
    }

    /// <summary>The record has turned up.</summary>
    /// <returns>False when it was not missing.</returns>
    public bool Fill(long sequence)
    {
        int index = _gaps.FindIndex(gap => gap.From <= sequence && sequence <= gap.To);
        if (index < 0)
        {
            return false;
        }

        Gap gap = _gaps[index];
        _gaps.RemoveAt(index);
        if (gap.From < sequence)
        {
            _gaps.Add(gap with { To = sequence - 1 });
        }

        if (sequence < gap.To)
        {
            _gaps.Add(gap with { From = sequence + 1 });
        }

        return true;
    }
}
