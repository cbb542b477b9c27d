namespace KmsSidecar.Auth;

/// <summary>Recognises requests that are signed in the query instead of the Authorization header.</summary>
internal static class QuerySignature
{
    private const string Version2Name = "AWSAccessKeyId";

    // Signature Version 4 (presigned URLs), then Version 2.
    private static readonly string[] Names = ["X-Amz-Signature", "X-Amz-Credential", "X-Amz-Algorithm", Version2Name];

    public static bool IsIn(string query) => Holds(query, Names);

    /// <summary>Signature Version 2, which is never accepted.</summary>
    public static bool IsVersion2(string query) => Holds(query, [Version2Name]);

    private static bool Holds(string query, string[] names) => query.Split('&').Any(parameter =>
        names.Contains(parameter.Split('=', 2)[0], StringComparer.OrdinalIgnoreCase));
}
