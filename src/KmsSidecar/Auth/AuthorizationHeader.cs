using System.Diagnostics.CodeAnalysis;

namespace KmsSidecar.Auth;

/// <summary>The fields of <c>Authorization: AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…</c>.</summary>
/// <param name="SignedHeaders">The list as sent, separated by semicolons; <see cref="Auth.SignedHeaders"/> judges it.</param>
/// <param name="Signature">As sent. A signature of the wrong form is wrong, not malformed, as it is in S3.</param>
internal sealed record AuthorizationHeader(string AccessKey, CredentialScope Scope, string SignedHeaders, string Signature)
{
    public const string Algorithm = "AWS4-HMAC-SHA256";

    private const int MaxSchemeChars = 32;

    private const string AsymmetricAlgorithm = "AWS4-ECDSA-P256-SHA256";

    public static bool TryParse(
        string value, [NotNullWhen(true)] out AuthorizationHeader? header, [NotNullWhen(false)] out AuthFailure? failure)
    {
        header = null;
        int space = value.IndexOf(' ', StringComparison.Ordinal);
        string scheme = space < 0 ? value : value[..space];
        if (scheme != Algorithm)
        {
            failure = WrongScheme(scheme);
            return false;
        }

        string? credential = null;
        string? signedHeaders = null;
        string? signature = null;
        foreach (string field in value[scheme.Length..].Split(',', StringSplitOptions.TrimEntries))
        {
            int equals = field.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? "" : field[..equals];
            string text = field[(equals + 1)..];
            bool isNew = name switch
            {
                "Credential" => Assign(ref credential, text),
                "SignedHeaders" => Assign(ref signedHeaders, text),
                "Signature" => Assign(ref signature, text),
                _ => false,
            };
            if (!isNew)
            {
                failure = AuthFailure.InvalidAuthorization("expecting Credential=, SignedHeaders= and Signature=, each once.");
                return false;
            }
        }

        if (credential is null || signedHeaders is null || signature is null)
        {
            failure = AuthFailure.InvalidAuthorization("Credential=, SignedHeaders= or Signature= is missing.");
            return false;
        }

        if (!CredentialScope.TryParseCredential(credential, out string? accessKey, out CredentialScope scope, out failure))
        {
            return false;
        }

        header = new AuthorizationHeader(accessKey, scope, signedHeaders, signature);
        return true;
    }

    private static bool Assign(ref string? field, string text)
    {
        bool isNew = field is null;
        field ??= text;
        return isNew;
    }

    private static AuthFailure WrongScheme(string scheme)
    {
        if (scheme == AsymmetricAlgorithm)
        {
            return AuthFailure.AsymmetricNotImplemented;
        }

        // The usual cause is a ~/.netrc entry, which makes curl and awscurl send Basic instead of the signature.
        string received = HttpToken.IsValid(scheme, MaxSchemeChars) ? $"the scheme is {scheme}, " : "";
        return AuthFailure.InvalidAuthorization($"{received}expecting {Algorithm}.");
    }

    /// <summary>Leaves out the signature: a valid one can be replayed within the clock skew.</summary>
    public override string ToString() => $"{AccessKey}/{Scope}";
}
