using KmsSidecar.CommandLine.Terminal;

namespace KmsSidecar.CommandLine.Apply;

/// <summary>Says what is waited for, on standard error: in one line that changes on a terminal, in a line for each reason elsewhere.</summary>
internal sealed class Progress(TextWriter output, bool isTerminal)
{
    private const string EraseLine = "\r\e[K";

    private string? _shown;

    /// <param name="line">Null when the waiting is over.</param>
    public void Tell(string? line)
    {
        if (isTerminal)
        {
            output.Write(line is null && _shown is null ? "" : EraseLine + Ink.Dim(line ?? ""));
            _shown = line;
            return;
        }

        // The seconds alone are no news.
        string? reason = line?[line.IndexOf(':', StringComparison.Ordinal)..];
        if (reason is not null && reason != _shown)
        {
            output.WriteLine(line);
            _shown = reason;
        }
    }
}
