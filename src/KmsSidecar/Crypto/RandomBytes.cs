namespace KmsSidecar.Crypto;

/// <summary>The only source of keys and nonces.</summary>
internal static class RandomBytes
{
    [ThreadStatic]
    private static RandomBlock? _block;

    /// <summary>Fills with bytes from the operating system's generator. Thread-safe.</summary>
    public static void Fill(Span<byte> destination) => (_block ??= new RandomBlock()).Take(destination);

    /// <summary>A random UUID (RFC 9562, 5.4).</summary>
    public static Guid NextUuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        Fill(bytes);
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }
}
