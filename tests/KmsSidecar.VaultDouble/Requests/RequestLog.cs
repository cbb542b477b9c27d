using System.IO.Enumeration;

namespace KmsSidecar.Doubles.Requests;

/// <summary>The requests that have come in, in order. Safe to use from any number of threads.</summary>
internal sealed class RequestLog
{
    private readonly Lock _gate = new();
    private readonly List<RequestRecord> _records = [];
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _inFlight;
    private int _mostInFlight;

    public IReadOnlyList<RequestRecord> All
    {
        get
        {
            lock (_gate)
            {
                return [.. _records];
            }
        }
    }

    /// <summary>Requests that have come in and are not answered.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>The most that there ever were at once since the last <see cref="Clear"/>.</summary>
    public int MostInFlight => Volatile.Read(ref _mostInFlight);

    /// <param name="path"><c>*</c> stands for anything, slashes too.</param>
    public IReadOnlyList<RequestRecord> Of(string path, string? method = null)
    {
        lock (_gate)
        {
            return [.. _records.Where(record => Matches(record, path, method))];
        }
    }

    public int Count(string path = "*", string? method = null) => Of(path, method).Count;

    /// <summary>Ends when so many requests of the kind have come in since the last <see cref="Clear"/>.</summary>
    public async Task WaitForAsync(int count, string path = "*", string? method = null, CancellationToken cancellation = default)
    {
        while (true)
        {
            Task more;
            lock (_gate)
            {
                if (_records.Count(record => Matches(record, path, method)) >= count)
                {
                    return;
                }

                more = _more.Task;
            }

            await more.WaitAsync(cancellation);
        }
    }

    public void Clear()
    {
        lock (_gate)
        {
            _records.Clear();
            _mostInFlight = _inFlight;
        }
    }

    public void Begin(RequestRecord record)
    {
        TaskCompletionSource more;
        lock (_gate)
        {
            _records.Add(record);
            _mostInFlight = Math.Max(_mostInFlight, ++_inFlight);
            (more, _more) = (_more, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        more.SetResult();
    }

    public void End()
    {
        lock (_gate)
        {
            _inFlight--;
        }
    }

    private static bool Matches(RequestRecord record, string path, string? method) =>
        (method is null || record.Method == method) && FileSystemName.MatchesSimpleExpression(path, record.Path, ignoreCase: false);
}
