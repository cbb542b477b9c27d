namespace KmsSidecar.RustFs;

/// <param name="DefaultKeyId">What RustFS reported or took last; null when it has none, or is not known yet.</param>
/// <param name="LastError">Why the last round has failed; null when it has not.</param>
/// <param name="Endpoint">Where RustFS is asked.</param>
internal sealed record FollowerStatus(string? DefaultKeyId, string? LastError, string Endpoint);
