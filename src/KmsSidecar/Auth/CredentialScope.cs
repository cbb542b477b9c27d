using System.Diagnostics.CodeAnalysis;

namespace KmsSidecar.Auth;

/// <summary>The date, region and service that a signing key is derived for.</summary>
/// <param name="Date">Eight digits, <c>yyyyMMdd</c>.</param>
internal readonly record struct CredentialScope(string Date, string Region, string Service)
{
    public const string Terminator = "aws4_request";

    public override string ToString() => $"{Date}/{Region}/{Service}/{Terminator}";

    /// <summary>Splits <c>ACCESS-KEY/date/region/service/aws4_request</c>, from the right.</summary>
    public static bool TryParseCredential(
        string credential,
        [NotNullWhen(true)] out string? accessKey,
        out CredentialScope scope,
        [NotNullWhen(false)] out AuthFailure? failure)
    {
        accessKey = null;
        scope = default;
        string[] parts = credential.Split('/');
        if (parts is not [var key, var date, var region, var service, Terminator])
        {
            failure = AuthFailure.Malformed("the credential is not ACCESS-KEY/yyyyMMdd/REGION/SERVICE/aws4_request.");
            return false;
        }

        if (!SigningTime.IsDate(date))
        {
            failure = AuthFailure.Malformed("the credential's date is not a date of the form yyyyMMdd.");
            return false;
        }

        accessKey = key;
        scope = new CredentialScope(date, region, service);
        failure = null;
        return true;
    }
}
