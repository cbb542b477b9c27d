using System.Security.Cryptography;

namespace KmsSidecar.Crypto;

/// <summary>Whether an engine computes what it must: a vector of c2sp.org/XAES-256-GCM, which goes through all that an engine does.</summary>
internal static class KnownAnswer
{
    private static ReadOnlySpan<byte> Sealed =>
    [
        0x98, 0x6e, 0xc1, 0x83, 0x25, 0x93, 0xdf, 0x54, 0x43, 0xa1, 0x79, 0x43, 0x7f, 0xd0, 0x83, 0xbf,
        0x3f, 0xdb, 0x41, 0xab, 0xd7, 0x40, 0xa2, 0x1f, 0x71, 0xeb, 0x76, 0x9d,
    ];

    /// <returns>False, too, when what the engine stands on is not installed.</returns>
    public static bool Holds(AeadEngine engine)
    {
        Span<byte> secret = stackalloc byte[AeadKey.KeyLength];
        secret.Fill(3);
        Span<byte> made = stackalloc byte[Sealed.Length];
        Span<byte> opened = stackalloc byte[Sealed.Length - AeadKey.TagLength];
        ReadOnlySpan<byte> nonce = "ABCDEFGHIJKLMNOPQRSTUVWX"u8;
        ReadOnlySpan<byte> associatedData = "c2sp.org/XAES-256-GCM"u8;
        try
        {
            using AeadKey key = AeadKey.From(secret, engine);
            key.SealXaes(nonce, "XAES-256-GCM"u8, associatedData, made);
            return made.SequenceEqual(Sealed)
                && key.TryOpenXaes(nonce, Sealed, associatedData, opened)
                && opened.SequenceEqual("XAES-256-GCM"u8);
        }
        catch (Exception missing) when (missing is CryptographicException or TypeInitializationException or DllNotFoundException)
        {
            return false;
        }
    }
}
