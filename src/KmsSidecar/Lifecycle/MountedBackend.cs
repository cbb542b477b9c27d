using KmsSidecar.Configuration;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Sharing;

namespace KmsSidecar.Lifecycle;

/// <summary>A backend as snapshots hold it: shared by those that describe the same place, disposed with the last of them.</summary>
internal sealed class MountedBackend
{
    private readonly ReferenceCount _users = new();
    private readonly ConfigurationDocument _document;

    /// <param name="document">What it was opened from; copied.</param>
    /// <param name="backend">Null when it could not be opened, which only a decrypt-only backend survives.</param>
    public MountedBackend(ConfigurationDocument document, IKeyBackend? backend, KmsException? fault = null)
    {
        _document = document.Clone();
        Backend = backend;
        Fault = fault;
    }

    public IKeyBackend? Backend { get; }

    /// <summary>Why there is no backend; its envelopes fail with this and no others do.</summary>
    public KmsException? Fault { get; }

    public ConfigurationDocument Document => _document;

    /// <summary>One more user, if it serves this configuration too.</summary>
    public bool TryShare(ConfigurationDocument document) => Backend is not null && _document.HasSameBackend(document) && _users.TryAdd();

    public void Release()
    {
        if (_users.Release())
        {
            Backend?.Dispose();
            _document.Dispose();
        }
    }
}
