namespace KmsSidecar.Auth;

/// <summary>Recognises requests that are signed in the query instead of the Authorization header, in order to refuse them.</summary>
internal static class QuerySignature
{
    // Signature Version 4 (presigned URLs), then Version 2.
    private static readonly string[] Names = ["X-Amz-Signature", "X-Amz-Credential", "X-Amz-Algorithm", "AWSAccessKeyId"];

    public static bool IsIn(string query) => query.Split('&').Any(static parameter =>
        Names.Contains(parameter.Split('=', 2)[0], StringComparer.OrdinalIgnoreCase));
}
