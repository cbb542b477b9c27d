namespace KmsSidecar.Hosting;

/// <summary>Writes events as lines.</summary>
/// <param name="format">Has no line break at the end.</param>
internal sealed class LineSink(Func<LogEvent, string> format, TextWriter output) : ILogSink
{
    public void Write(LogEvent logged)
    {
        try
        {
            output.WriteLine(format(logged));
        }
        catch (IOException)
        {
            // The reader is gone, and there is nobody else to be told.
        }
    }

    public void Dispose()
    {
        // The output is the process's.
    }
}
