namespace KmsSidecar.Audit;

/// <summary>What was found in a log.</summary>
internal sealed class AuditReport
{
    /// <summary>More are counted, and not kept.</summary>
    private const int MaxFaults = 100;

    private readonly List<AuditFault> _faults = [];
    private readonly List<string> _notes = [];

    /// <summary>In the order of their records.</summary>
    public IReadOnlyList<AuditFault> Faults
    {
        get
        {
            _faults.Sort(static (one, other) => one.Sequence.CompareTo(other.Sequence));
            return _faults;
        }
    }

    /// <summary>What is no fault and should be known.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Those that are not kept among them.</summary>
    public long FaultCount { get; private set; }

    public int Files { get; set; }

    public long Records { get; set; }

    /// <summary>0 for an empty log.</summary>
    public long FirstSequence { get; set; }

    public long LastSequence { get; set; }

    /// <summary>Whose signatures were good.</summary>
    public long Heads { get; set; }

    /// <summary>The last record that a good head vouches for.</summary>
    public long SignedSequence { get; set; }

    /// <summary>Operations that the daemon says it did without a record.</summary>
    public long Lost { get; set; }

    public void Add(AuditFault fault)
    {
        FaultCount++;
        if (_faults.Count < MaxFaults)
        {
            _faults.Add(fault);
        }
    }

    public void AddNote(string note) => _notes.Add(note);
}
