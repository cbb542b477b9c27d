using System.Security.Cryptography;

namespace KmsSidecar.Crypto;

/// <summary>The only source of keys and nonces.</summary>
internal static class RandomBytes
{
    /// <summary>Fills with bytes from the operating system's generator. Thread-safe.</summary>
    public static void Fill(Span<byte> destination) => RandomNumberGenerator.Fill(destination);
}
