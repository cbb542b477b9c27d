using KmsSidecar.Keys;

namespace KmsSidecar.Backends.Transit;

/// <summary>Where a Transit backend says what an operator should know: at open, and while it serves. Called from any thread.</summary>
/// <param name="Unreadable">A key that cannot be used; each is told once.</param>
/// <param name="Notice">One sentence.</param>
internal sealed record TransitReports(Action<UnreadableKey> Unreadable, Action<string> Notice);
