using System.Security.Cryptography;
using KmsSidecar.Auth;

namespace KmsSidecar.RustFs;

/// <summary>Signs requests to RustFS as one of its administrators.</summary>
/// <remarks>Owns the credentials. Safe for concurrent use.</remarks>
internal sealed class RequestSigner(RootCredentials credentials, string region, TimeProvider clock) : IDisposable
{
    private readonly Lock _lock = new();
    private RootCredentials _credentials = credentials;

    /// <summary>Signs with these from now on, and wipes the former ones.</summary>
    public void Use(RootCredentials credentials)
    {
        lock (_lock)
        {
            _credentials.Dispose();
            _credentials = credentials;
        }
    }

    /// <param name="request">To a path without a query.</param>
    public void Sign(HttpRequestMessage request, ReadOnlySpan<byte> body)
    {
        Uri uri = request.RequestUri!;
        string date = SigningTime.Write(clock.GetUtcNow());
        string payload = PayloadLine.Of(body);
        CredentialScope scope = new(date[.."yyyyMMdd".Length], region, "s3");
        SignedHeaders headers = new(
            $"host;{PayloadLine.HeaderName};x-amz-date", $"host:{uri.Authority}\n{PayloadLine.HeaderName}:{payload}\nx-amz-date:{date}\n");
        byte[] canonical = CanonicalRequest.Build(request.Method.Method, new RequestTarget(uri.AbsolutePath, ""), headers, payload);
        (string accessKey, string signature) = Sign(CanonicalRequest.BuildStringToSign(date, scope, canonical), scope);

        request.Headers.Host = uri.Authority;
        request.Headers.TryAddWithoutValidation(PayloadLine.HeaderName, payload);
        request.Headers.TryAddWithoutValidation("x-amz-date", date);
        request.Headers.TryAddWithoutValidation(
            "Authorization",
            $"{AuthorizationHeader.Algorithm} Credential={accessKey}/{scope}, SignedHeaders={headers.Names}, Signature={signature}");
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _credentials.Dispose();
        }
    }

    private (string AccessKey, string Signature) Sign(ReadOnlySpan<byte> text, CredentialScope scope)
    {
        Span<byte> secret = stackalloc byte[SigningKey.MaxSecretBytes];
        Span<byte> key = stackalloc byte[SigningKey.Bytes];
        Span<byte> signature = stackalloc byte[HMACSHA256.HashSizeInBytes];
        try
        {
            string accessKey;
            lock (_lock)
            {
                accessKey = _credentials.AccessKey;
                int length = _credentials.Find(accessKey, sessionToken: null, secret).SecretBytes;
                ObjectDisposedException.ThrowIf(length == 0, this);
                SigningKey.Derive(secret[..length], scope, key);
            }

            HMACSHA256.HashData(key, text, signature);
            return (accessKey, Convert.ToHexStringLower(signature));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
            CryptographicOperations.ZeroMemory(key);
        }
    }
}
