using System.Security.Cryptography;
using System.Text;

namespace KmsSidecar.Auth;

/// <summary>The key derived from a secret for one day, region and service.</summary>
internal static class SigningKey
{
    public const int Bytes = HMACSHA256.HashSizeInBytes;

    /// <summary>The longest secret key in bytes. AWS and RustFS issue 40; the bound lets callers keep a secret on the stack.</summary>
    public const int MaxSecretBytes = 256;

    /// <summary>HMAC(HMAC(HMAC(HMAC("AWS4" + secret, date), region), service), "aws4_request").</summary>
    /// <param name="secret">At most <see cref="MaxSecretBytes"/> bytes.</param>
    /// <param name="scope">What the key is good for.</param>
    /// <param name="destination"><see cref="Bytes"/> bytes; the caller wipes them.</param>
    public static void Derive(ReadOnlySpan<byte> secret, CredentialScope scope, Span<byte> destination)
    {
        ReadOnlySpan<byte> prefix = "AWS4"u8;
        Span<byte> seed = stackalloc byte[prefix.Length + MaxSecretBytes];
        Span<byte> step = stackalloc byte[Bytes];
        try
        {
            prefix.CopyTo(seed);
            secret.CopyTo(seed[prefix.Length..]);
            HMACSHA256.HashData(seed[..(prefix.Length + secret.Length)], Encoding.UTF8.GetBytes(scope.Date), step);
            HMACSHA256.HashData(step, Encoding.UTF8.GetBytes(scope.Region), destination);
            HMACSHA256.HashData(destination, Encoding.UTF8.GetBytes(scope.Service), step);
            HMACSHA256.HashData(step, Encoding.UTF8.GetBytes(CredentialScope.Terminator), destination);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
            CryptographicOperations.ZeroMemory(step);
        }
    }
}
