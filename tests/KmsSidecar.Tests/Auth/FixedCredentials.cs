using System.Text;
using KmsSidecar.Auth;

namespace KmsSidecar.Tests.Auth;

/// <summary>Knows some access keys and takes any session token, as a source of temporary credentials would.</summary>
internal sealed class FixedCredentials(params (string AccessKey, string SecretKey)[] pairs) : ICredentialSource
{
    public bool IsEmpty => false;

    /// <summary>Told to a caller whose signature is right.</summary>
    public AuthFailure? Refusal { get; init; }

    public CredentialLookup Find(string accessKey, string? sessionToken, Span<byte> secret)
    {
        int index = Array.FindIndex(pairs, pair => pair.AccessKey == accessKey);
        return index < 0
            ? CredentialLookup.Unknown
            : new CredentialLookup(
                new Principal(accessKey, IsOwner: false), Encoding.UTF8.GetBytes(pairs[index].SecretKey, secret), 1000 + index, Refusal);
    }
}
