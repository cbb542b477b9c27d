using System.Buffers.Text;
using System.Collections.Immutable;
using System.Security.Cryptography;
using KmsSidecar.Access.Users;
using KmsSidecar.Auth;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Json;

namespace KmsSidecar.Api;

/// <summary>The body that makes or changes a user. Owns the secret until it is taken.</summary>
internal sealed class UserRequest : IDisposable
{
    /// <summary>As many random bytes as RustFS takes, in base64url.</summary>
    private const int GeneratedBytes = 30;

    private SecretKey? _secret;

    private UserRequest()
    {
    }

    public string AccessKey { get; private set; } = "";

    /// <summary>Null to leave it as it is.</summary>
    public bool? IsEnabled { get; private set; }

    /// <summary>Null to leave them as they are.</summary>
    public ImmutableArray<string>? Policies { get; private set; }

    /// <summary>A secret key is to be made here.</summary>
    public bool Generates { get; private set; }

    /// <exception cref="KmsException">MalformedRequest.</exception>
    public static UserRequest Read(ReadOnlySpan<byte> body)
    {
        UserRequest request = new();
        try
        {
            StrictObject members = new(body);
            while (members.Next())
            {
                request.Take(ref members);
            }

            return request.AccessKey.Length == 0 ? throw new KmsException(KmsError.MalformedRequest, "member 'access_key' is missing")
                : request is { Generates: true, _secret: not null }
                ? throw new KmsException(KmsError.MalformedRequest, "members 'secret_key' and 'generate_secret_key' exclude each other")
                : request;
        }
        catch
        {
            request.Dispose();
            throw;
        }
    }

    /// <summary>The secret that was sent, or a new one; null for neither. The caller's from now on.</summary>
    /// <param name="generate">Make one also where the request does not ask for it but sends none.</param>
    public SecretKey? TakeSecret(bool generate)
    {
        SecretKey? secret = _secret;
        _secret = null;
        Generates |= generate && secret is null;
        return Generates ? Generate() : secret;
    }

    public void Dispose() => _secret?.Dispose();

    private static SecretKey Generate()
    {
        using SecretBytes random = SecretBytes.Random(GeneratedBytes);
        Span<byte> text = stackalloc byte[Base64Url.GetEncodedLength(GeneratedBytes)];
        try
        {
            Base64Url.EncodeToUtf8(random.Span, text, out _, out _);
            return new SecretKey(text);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
        }
    }

    private void Take(ref StrictObject members)
    {
        switch (members.Name)
        {
            case "access_key":
                AccessKey = UserRecords.ReadAccessKey(ref members);
                break;
            case "secret_key":
                _secret = UserRecords.ReadSecret(ref members);
                break;
            case "generate_secret_key":
                Generates = members.Flag();
                break;
            case "status":
                IsEnabled = UserRecords.ReadStatus(ref members);
                break;
            case "policies":
                Policies = UserRecords.ReadPolicyNames(ref members);
                break;
            default:
                throw members.Unknown();
        }
    }
}
