using KmsSidecar.Configuration;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;

namespace KmsSidecar.Lifecycle;

/// <summary>Trades the wrapping token in a configuration for the secret id that it wraps, which can be done once.</summary>
/// <param name="document">Its <see cref="ConfigurationDocument.AuthMethod"/> is wrapped. Stays the caller's.</param>
/// <returns>The secret id; the caller's.</returns>
/// <exception cref="KmsException">With the reason, naming the thing and the mend.</exception>
internal delegate ValueTask<SecretBytes> SecretIdUnwrapper(ConfigurationDocument document, CancellationToken cancellation);
