using KmsSidecar.Errors;

namespace KmsSidecar.Backends.Kv2;

/// <summary>What was read under a name. Owns the record.</summary>
/// <param name="Error">None; KeyNotFound when there is none (of a version also); KeyDamaged; or a backend error.</param>
/// <param name="Sentence">Why there is no record; empty when there is.</param>
/// <param name="Cas">Base of a write that replaces what was found.</param>
/// <param name="IsDenied">By a policy, for this path.</param>
internal readonly record struct Kv2Found<TRecord>(KmsError Error, string Sentence, TRecord? Record, long Cas, bool IsDenied = false) : IDisposable
    where TRecord : class, IDisposable
{
    /// <exception cref="KmsException">There is none.</exception>
    public TRecord Require() => Record ?? throw new KmsException(Error, Sentence);

    public void Dispose() => Record?.Dispose();
}
