using KmsSidecar.Errors;

namespace KmsSidecar.Sharing;

/// <summary>One fetch and those who wait for it. The counts and flags are read and written in the lock of its cache.</summary>
internal sealed class SharedFetch<TValue>
    where TValue : class
{
    private readonly TaskCompletionSource<(KmsError Error, TValue? Value)> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<(KmsError Error, TValue? Value)> Result => _source.Task;

    public int Waiting { get; set; }

    /// <summary>Somebody who waits will use the value, and does not just look.</summary>
    public bool IsForUse { get; set; }

    /// <summary>The leases of all who wait are made.</summary>
    public bool IsOver { get; set; }

    public void Succeed(KmsError error, TValue? value) => _source.SetResult((error, value));

    public void Fail(Exception failed)
    {
        _source.SetException(failed);
        _ = _source.Task.Exception;
    }
}
