namespace KmsSidecar.Doubles.Core;

/// <summary>An answer that is an error, thrown from wherever it is found.</summary>
internal sealed class VaultFailure(int status, params string[] errors) : Exception(string.Join("; ", errors))
{
    public int Status { get; } = status;

    public IReadOnlyList<string> Errors { get; } = errors;

    /// <summary>Nothing is there: 404 with an empty list of errors.</summary>
    public static VaultFailure NotFound() => new(404);

    /// <summary>The token is missing, unknown, expired, used up or revoked.</summary>
    public static VaultFailure BadToken() => new(403, "permission denied");

    /// <summary>The token is good and no policy of its grants the operation.</summary>
    public static VaultFailure PolicyDenies() => new(403, "1 error occurred:\n\t* permission denied\n\n");

    public static VaultFailure UnsupportedPath() => new(404, "1 error occurred:\n\t* unsupported path\n\n");

    public static VaultFailure UnsupportedOperation() => new(405, "1 error occurred:\n\t* unsupported operation\n\n");
}
