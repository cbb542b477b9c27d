namespace KmsSidecar.Storage;

/// <summary>A share in this process's hold on a directory; the last one disposed lets it go.</summary>
/// <param name="isFirst">Nobody else in this process held the directory: what looks abandoned in it is.</param>
internal sealed class DirectoryLock(bool isFirst, Action release) : IDisposable
{
    private Action? _release = release;

    public bool IsFirst { get; } = isFirst;

    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
}
