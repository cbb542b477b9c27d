using System.Net;

namespace KmsSidecar.Bench.Load;

internal enum Protocol
{
    /// <summary>The data socket's native form: JSON over HTTP/1.1.</summary>
    Native,

    /// <summary>The frames of bench/reference/reference.c.</summary>
    Reference,

    /// <summary>The AWS KMS API over HTTP/1.1; signed on TCP.</summary>
    Aws,

    /// <summary>Transit of Vault or OpenBao, one data key a request.</summary>
    Vault,
}

internal enum Operation
{
    Generate,
    Decrypt,
}

/// <param name="Target">A Unix socket or a loopback address.</param>
/// <param name="Batch">Data keys that one request of <see cref="Load.Operation.Generate"/> asks for.</param>
/// <param name="Keys">Data keys of each connection that <see cref="Load.Operation.Decrypt"/> opens in turn, each twice in a row.</param>
/// <param name="Rate">Requests per second over all connections; 0 is a closed loop.</param>
/// <param name="ServerPid">The process whose CPU time is reported per request.</param>
/// <param name="TlsAuthority">PEM file with the authority of the server's certificate; null for no TLS.</param>
/// <param name="Reconnects">A connection that the server ends between two requests is opened again, and is no failure.</param>
internal sealed record LoadOptions(
    EndPoint Target,
    Protocol Protocol,
    Operation Operation,
    int Batch,
    int Keys,
    int Connections,
    TimeSpan Warmup,
    TimeSpan Duration,
    int Rate,
    int? ServerPid,
    string? TlsAuthority,
    bool Reconnects)
{
    public const int MaxConnections = 1024;

    /// <summary>What the daemon takes.</summary>
    public const int MaxBatch = 64;

    /// <summary>Each is generated, one after the other, before anything is measured.</summary>
    public const int MaxKeys = 10_000;

    public const int MaxDurationSeconds = 60;

    /// <summary>Ten times what the reference server reaches on two cores; more than that is a typing error.</summary>
    public const int MaxRate = 1_000_000;
}
