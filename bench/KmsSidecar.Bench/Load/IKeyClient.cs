using System.Diagnostics.CodeAnalysis;

namespace KmsSidecar.Bench.Load;

/// <summary>One connection that repeats one operation. Used by one thread at a time.</summary>
internal interface IKeyClient : IDisposable
{
    /// <summary>How often the server has ended the connection, and it was opened again.</summary>
    int Reopened => 0;

    /// <summary>Sends one request and waits for its answer.</summary>
    /// <param name="problem">What the server answered instead of a data key; the connection stays usable.</param>
    /// <exception cref="IOException">The answer took too long or breaks the protocol, or there is none: the connection is lost.</exception>
    bool TryExchange([NotNullWhen(false)] out string? problem);
}
