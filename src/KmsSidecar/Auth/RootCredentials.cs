namespace KmsSidecar.Auth;

/// <summary>The one permanent key pair of the operator.</summary>
/// <remarks>Holds its own copy of the secret until it is disposed; from then on it knows no key.</remarks>
internal sealed class RootCredentials : ICredentialSource, IDisposable
{
    // RustFS asks for eight characters; the pair in its documentation is shorter, so this only makes HasWeakSecret true.
    private const int MinStrongSecretBytes = 8;

    private readonly SecretKey _secret;
    private readonly Principal _principal;

    /// <exception cref="ArgumentException"><see cref="AccessKeyRules.FindFault"/> or <see cref="SecretKey.FindFault"/> finds one.</exception>
    public RootCredentials(string accessKey, ReadOnlySpan<byte> secret)
    {
        if (AccessKeyRules.FindFault(accessKey) is string fault)
        {
            throw new ArgumentException(fault, nameof(accessKey));
        }

        _principal = new Principal(accessKey, IsOwner: true);
        _secret = new SecretKey(secret);
        HasWeakSecret = secret.Length < MinStrongSecretBytes || secret.SequenceEqual("rustfsadmin"u8);
    }

    public string AccessKey => _principal.Name;

    public bool IsEmpty => false;

    /// <summary>The secret is very short or the one of RustFS's documentation: worth a warning, not a refusal.</summary>
    public bool HasWeakSecret { get; }

    public CredentialLookup Find(string accessKey, string? sessionToken, Span<byte> secret) =>
        accessKey == _principal.Name && _secret.CopyTo(secret) is > 0 and int length
            ? new CredentialLookup(_principal, length, _secret.Version, sessionToken is null ? null : AuthFailure.UnexpectedToken)
            : CredentialLookup.Unknown;

    public void Dispose() => _secret.Dispose();
}
