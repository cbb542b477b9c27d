namespace KmsSidecar.Errors;

/// <summary>A failure on a cold path (configuration, key administration, start).</summary>
/// <remarks><see cref="Exception.Message"/> reaches the caller and the log: it names the thing and the mend, and never a secret.
/// The data path returns <see cref="KmsError"/> instead: a caller can provoke those failures at will.</remarks>
internal sealed class KmsException : Exception
{
    public KmsException(KmsError error, string message, Exception? inner = null)
        : base(message, inner) => Error = error;

    public KmsException(KmsError error)
        : this(error, KmsErrors.Describe(error).Sentence)
    {
    }

    public KmsException(KmsError error, FaultCause cause, string message, Exception? inner = null)
        : this(error, message, inner) => Cause = cause;

    public KmsError Error { get; }

    public FaultCause Cause { get; }
}
