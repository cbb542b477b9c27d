using System.IO.Enumeration;

namespace KmsSidecar.Doubles.Faults;

/// <summary>The faults that are on. Safe to use from any number of threads.</summary>
internal sealed class FaultList
{
    private readonly Lock _gate = new();
    private readonly List<Entry> _entries = [];

    public IReadOnlyList<Fault> All
    {
        get
        {
            lock (_gate)
            {
                return [.. _entries.Select(static entry => entry.Fault)];
            }
        }
    }

    public void Add(Fault fault)
    {
        lock (_gate)
        {
            _entries.Add(new Entry(fault));
        }
    }

    /// <summary>Ends one fault, or all; what hangs on it goes on.</summary>
    public void Clear(Fault? fault = null)
    {
        Entry[] ended;
        lock (_gate)
        {
            ended = [.. _entries.Where(entry => fault is null || entry.Fault == fault)];
            _entries.RemoveAll(entry => ended.Contains(entry));
        }

        foreach (Entry entry in ended)
        {
            entry.Ended.TrySetResult();
        }
    }

    /// <summary>The faults for one request, which counts for each, with what ends them. A fault that is used up stays for those that have it.</summary>
    public IReadOnlyList<(Fault Fault, Task Ended)> Take(string method, string path)
    {
        lock (_gate)
        {
            Entry[] matching = [.. _entries.Where(entry => entry.IsLeft && entry.Matches(method, path))];
            foreach (Entry entry in matching)
            {
                entry.Used++;
            }

            return [.. matching.Select(static entry => (entry.Fault, entry.Ended.Task))];
        }
    }

    private sealed class Entry(Fault fault)
    {
        public Fault Fault { get; } = fault;

        public int Used { get; set; }

        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool IsLeft => Fault.Times is not { } times || Used < times;

        public bool Matches(string method, string path) =>
            (Fault.Method is null || Fault.Method == method) && FileSystemName.MatchesSimpleExpression(Fault.Path, path, ignoreCase: false);
    }
}
