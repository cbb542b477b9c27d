using KmsSidecar.Errors;
using KmsSidecar.Hosting;

namespace KmsSidecar.CommandLine;

/// <summary>Says why the process ends: a line on standard error, and in <c>systemctl status</c>.</summary>
internal static class Failure
{
    /// <returns>The exit code.</returns>
    public static int Report(KmsException fault) => Report(fault.Message, ExitCode.Of(fault));

    /// <returns>The exit code.</returns>
    public static int Report(string message, int exitCode)
    {
        Write(message);
        using ServiceManager manager = new();
        manager.Say(message);
        return exitCode;
    }

    /// <summary>All of them; the first one in <c>systemctl status</c>.</summary>
    /// <returns>The exit code.</returns>
    public static int Report(IReadOnlyList<string> faults, int exitCode)
    {
        Report(faults[0], exitCode);
        foreach (string fault in faults.Skip(1))
        {
            Write(fault);
        }

        return exitCode;
    }

    /// <summary>The line alone. In the journal it is an error, not a remark.</summary>
    public static void Write(string message) =>
        Console.Error.WriteLine($"{(JournalStream.IsStandardError ? "<3>" : "")}kms-sidecar: {message}");
}
