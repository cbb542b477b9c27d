using KmsSidecar.Keys;

namespace KmsSidecar.Backends.Local;

/// <summary>Where a local backend says what an operator should know: at open, and while it serves. Called from any thread.</summary>
/// <param name="Unreadable">A file that cannot be used; each is told once.</param>
/// <param name="Notice">One sentence.</param>
internal sealed record LocalBackendReports(Action<UnreadableKey> Unreadable, Action<string> Notice);
