using KmsSidecar.Crypto;
using KmsSidecar.Keys;

namespace KmsSidecar.Backends.Kv2;

/// <summary>What a key record says, as far as it is known here.</summary>
/// <param name="Baseline">Version that envelopes without one were wrapped under; null before the first rotation.</param>
/// <param name="WrapBudget">Upper bound of the wraps under the newest version, as reserved by all processes together.</param>
/// <param name="Material">Of the newest version: 32 bytes. Lent; who made it wipes it.</param>
internal sealed record Kv2Content(KeyDescription Description, uint? Baseline, ulong WrapBudget, SecretBytes Material);
