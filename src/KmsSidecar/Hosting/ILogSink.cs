namespace KmsSidecar.Hosting;

/// <summary>A place where events go; written to by one thread.</summary>
internal interface ILogSink : IDisposable
{
    void Write(LogEvent logged);
}
