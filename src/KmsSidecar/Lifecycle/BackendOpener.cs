using KmsSidecar.Configuration;
using KmsSidecar.Keys;

namespace KmsSidecar.Lifecycle;

/// <summary>Opens the backend that a configuration describes. The document stays the caller's.</summary>
/// <exception cref="Errors.KmsException">With the reason, naming the thing and the mend.</exception>
internal delegate ValueTask<IKeyBackend> BackendOpener(ConfigurationDocument document, OpenMode mode, CancellationToken cancellation);
