using KmsSidecar.Keys;

namespace KmsSidecar.Backends;

/// <summary>Where a backend says what an operator should know: at open, and while it serves. Called from any thread.</summary>
/// <param name="Unreadable">A key, or the file or record of one, that cannot be used; each is told once.</param>
/// <param name="Notice">One sentence.</param>
internal sealed record BackendReports(Action<UnreadableKey> Unreadable, Action<string> Notice);
