namespace KmsSidecar.Sharing;

/// <summary>A value that is disposed after its last user. Begins with one user: the maker.</summary>
internal class Shared<TValue>(TValue value)
    where TValue : class, IDisposable
{
    private readonly ReferenceCount _users = new();

    public TValue Value => value;

    /// <summary>One more user; the caller knows of one who has not gone.</summary>
    public void Lend() => _users.TryAdd();

    public void Release()
    {
        if (_users.Release())
        {
            value.Dispose();
        }
    }
}
