using System.Net;

namespace KmsSidecar.Bench.Swaps;

/// <param name="Swaps">Configuration changes to make.</param>
/// <param name="BaselineSeconds">Length of the run without changes that comes first.</param>
/// <param name="Limit">The changes end after this time, made or not.</param>
/// <param name="FirstDirectory">A key directory; the other one is where the configuration goes to and from.</param>
internal sealed record SwapOptions(
    EndPoint DataSocket,
    EndPoint AdminSocket,
    int ServerPid,
    int Swaps,
    int Connections,
    int BaselineSeconds,
    TimeSpan Limit,
    string FirstDirectory,
    string SecondDirectory);
