using System.Security.Cryptography;

namespace KmsSidecar.Auth;

/// <summary>Signs requests to an admin API, RustFS's or this daemon's, and to the AWS KMS API of this daemon.</summary>
/// <param name="sessionToken">Of temporary credentials; null for permanent ones.</param>
/// <remarks>Owns the credentials. Safe for concurrent use.</remarks>
internal sealed class RequestSigner(RootCredentials credentials, string region, TimeProvider clock, string? sessionToken = null) : IDisposable
{
    private const string TokenHeader = "x-amz-security-token";
    private const string TargetHeader = "x-amz-target";

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

    /// <param name="request">Its path and query are percent-encoded without a fault. With an <c>X-Amz-Target</c> it is for keys.</param>
    public void Sign(HttpRequestMessage request, ReadOnlySpan<byte> body)
    {
        Uri uri = request.RequestUri!;
        string date = SigningTime.Write(clock.GetUtcNow());
        string payload = PayloadLine.Of(body);
        string? operation = request.Headers.TryGetValues(TargetHeader, out IEnumerable<string>? values) ? values.First() : null;
        CredentialScope scope = new(date[.."yyyyMMdd".Length], region, operation is null ? "s3" : SigV4Options.KeyService);
        if (!CanonicalTarget.TryEncode(new RequestTarget(uri.AbsolutePath, uri.Query.TrimStart('?')), out RequestTarget? target))
        {
            throw new ArgumentException("an escape in the target is malformed", nameof(request));
        }

        SignedHeaders headers = Cover(uri, payload, date, operation);
        byte[] canonical = CanonicalRequest.Build(request.Method.Method, target, headers, payload);
        (string accessKey, string signature) = Sign(CanonicalRequest.BuildStringToSign(date, scope, canonical), scope);

        request.Headers.Host = uri.Authority;
        request.Headers.TryAddWithoutValidation(PayloadLine.HeaderName, payload);
        request.Headers.TryAddWithoutValidation("x-amz-date", date);
        if (sessionToken is not null)
        {
            request.Headers.TryAddWithoutValidation(TokenHeader, sessionToken);
        }

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

    private SignedHeaders Cover(Uri uri, string payload, string date, string? operation)
    {
        SignedHeaders headers = new(
            $"host;{PayloadLine.HeaderName};x-amz-date", $"host:{uri.Authority}\n{PayloadLine.HeaderName}:{payload}\nx-amz-date:{date}\n");
        headers = sessionToken is null ? headers : Cover(headers, TokenHeader, sessionToken);
        return operation is null ? headers : Cover(headers, TargetHeader, operation);
    }

    /// <param name="name">Behind those of <paramref name="headers"/> in the alphabet.</param>
    private static SignedHeaders Cover(SignedHeaders headers, string name, string value) =>
        new($"{headers.Names};{name}", $"{headers.Lines}{name}:{value}\n");

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
