using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace KmsSidecar.Auth;

/// <summary>Slows down whoever guesses: wrong signatures per access key, refusals of any kind per address.</summary>
/// <remarks>
/// <para>Per access key, because guesses at one secret may come from many addresses: once its bucket is empty, requests of that key are
/// refused before their signature is judged, the right ones among them, until it refills. Only keys that there are have a bucket, so that
/// made-up ones cannot push out the others.</para>
/// <para>Per address, because one sender may guess at many keys. Callers who share an address (a proxy, this machine) must not lock each
/// other out, so an empty bucket touches failures only: they are told to slow down and not what was wrong.</para>
/// <para>Safe for concurrent use.</para>
/// </remarks>
internal sealed class FailureLimits(TimeProvider clock)
{
    /// <summary>Wrong signatures of one access key at once.</summary>
    public const int KeyBurst = 20;

    /// <summary>Failures of one address at once.</summary>
    public const int AddressBurst = 100;

    /// <summary>Buckets in each of the two tables.</summary>
    public const int MaxBuckets = 4096;

    /// <summary>After which an access key may fail once more.</summary>
    public static readonly TimeSpan KeyInterval = TimeSpan.FromSeconds(2);

    /// <summary>After which an address may fail once more.</summary>
    public static readonly TimeSpan AddressInterval = TimeSpan.FromSeconds(1);

    private readonly TokenBuckets<string> _keys = new(KeyBurst, KeyInterval, MaxBuckets, clock);
    private readonly TokenBuckets<UInt128> _addresses = new(AddressBurst, AddressInterval, MaxBuckets, clock);

    /// <summary>How many access keys have failed lately.</summary>
    public int LimitedKeys => _keys.Count;

    /// <summary>Whether this access key has failed too often for its signature to be judged now.</summary>
    public bool IsExhausted(string accessKey) => _keys.IsEmpty(accessKey);

    /// <summary>Counts a wrong signature of an access key that there is.</summary>
    public void CountWrongSignature(string accessKey) => _ = _keys.TryTake(accessKey);

    /// <summary>Counts a failure, and says what its sender is told of it.</summary>
    public AuthFailure Count(IPAddress address, AuthFailure failure) => _addresses.TryTake(NetworkOf(address)) ? failure : AuthFailure.SlowDown;

    /// <summary>An IPv4 address whole; of an IPv6 address the /64, all of which one host can have.</summary>
    private static UInt128 NetworkOf(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        IPAddress plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        plain.TryWriteBytes(bytes, out _);
        return plain.AddressFamily == AddressFamily.InterNetwork
            ? BinaryPrimitives.ReadUInt32BigEndian(bytes)
            : new UInt128(BinaryPrimitives.ReadUInt64BigEndian(bytes), 1);
    }
}
