using KmsSidecar.Errors;

namespace KmsSidecar.Storage;

/// <summary>A system call failed. Stays inside this folder: callers outside see a KmsException that names the path.</summary>
internal sealed class PosixException(int errno) : Exception(Storage.Errno.Describe(errno))
{
    /// <summary>One of <see cref="Storage.Errno"/>, or any other error number of Linux.</summary>
    public int Errno { get; } = errno;

    public FaultCause Cause => Storage.Errno.CauseOf(Errno);
}
