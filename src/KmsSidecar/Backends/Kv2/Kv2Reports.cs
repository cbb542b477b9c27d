using KmsSidecar.Keys;

namespace KmsSidecar.Backends.Kv2;

/// <summary>Where a KV v2 backend says what an operator should know: at open, and while it serves. Called from any thread.</summary>
/// <param name="Unreadable">A record that cannot be used; each is told once.</param>
/// <param name="Notice">One sentence.</param>
internal sealed record Kv2Reports(Action<UnreadableKey> Unreadable, Action<string> Notice);
