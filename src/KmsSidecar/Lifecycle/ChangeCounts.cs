using KmsSidecar.Observability;

namespace KmsSidecar.Lifecycle;

/// <summary>Counts changes by what they are and whether they came to be. Thread-safe.</summary>
internal sealed class ChangeCounts
{
    private static readonly string[] Kinds = ["configure", "reconfigure", "rollback", "drop", "start", "stop"];

    private readonly long[] _succeeded = new long[Kinds.Length];
    private readonly long[] _failed = new long[Kinds.Length];

    /// <summary>Every kind and result, from the start.</summary>
    public void Write(MetricsText text)
    {
        for (int i = 0; i < Kinds.Length; i++)
        {
            text.Add(Interlocked.Read(ref _succeeded[i]), $"kind=\"{Kinds[i]}\",result=\"success\"");
            text.Add(Interlocked.Read(ref _failed[i]), $"kind=\"{Kinds[i]}\",result=\"failure\"");
        }
    }

    /// <returns>Counts a failure when it is disposed, unless it has been told otherwise by then.</returns>
    public Attempt Begin(string kind) => new(this, Array.IndexOf(Kinds, kind));

    internal sealed class Attempt(ChangeCounts counts, int kind) : IDisposable
    {
        private bool _hasSucceeded;

        public void Succeeded() => _hasSucceeded = true;

        public void Dispose() => Interlocked.Increment(ref (_hasSucceeded ? counts._succeeded : counts._failed)[kind]);
    }
}
