namespace KmsSidecar.Auth;

/// <summary>The source of a process that was given no credentials: there is no default pair to guess.</summary>
internal sealed class NoCredentials : ICredentialSource
{
    public bool IsEmpty => true;

    public CredentialLookup Find(string accessKey, string? sessionToken, Span<byte> secret) => CredentialLookup.Unknown;
}
