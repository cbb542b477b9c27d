namespace KmsSidecar.Api.AwsKms;

/// <summary>A failure that AWS KMS has a code of its own for, where ours are coarser. Its message reaches the caller.</summary>
internal sealed class AwsException(AwsErrorCode code, string message) : Exception(message)
{
    public AwsErrorCode Code => code;

    public static AwsException Missing(string member) => Invalid($"{member} is missing");

    public static AwsException Invalid(string message) => new(AwsErrorCode.ValidationException, message);
}
