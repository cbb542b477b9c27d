using KmsSidecar.CommandLine.Client;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;

namespace KmsSidecar.CommandLine.Apply;

/// <summary>Reads the desired state from a file, or from standard input.</summary>
internal static class DesiredFile
{
    /// <returns>The caller's.</returns>
    /// <exception cref="CommandFault">The file cannot be used; the message names it, and the member.</exception>
    public static DesiredState Read(string path)
    {
        using SecretBuffer text = InputFile.ReadDocument(path);
        try
        {
            // Paths in the file are relative to it, so that the two can be moved together.
            string folder = path == "-" ? Environment.CurrentDirectory : Path.GetDirectoryName(Path.GetFullPath(path))!;
            return new DesiredStateReader(file => InputFile.ReadSecret(Path.GetFullPath(file, folder))).Read(text.WrittenSpan);
        }
        catch (KmsException fault)
        {
            throw new CommandFault(ExitCode.Refused, $"{(path == "-" ? "standard input" : path)}: {fault.Message}", inner: fault);
        }
    }
}
