using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;

namespace KmsSidecar.Transport;

/// <summary>A TLS connection as the pipes that Kestrel reads and writes in clear. The stream stays the caller's.</summary>
/// <param name="abort">Called once, when nothing can be sent any more.</param>
internal sealed class TlsPipe(SslStream tls, MemoryPool<byte>? pool, Action abort) : IDuplexPipe
{
    // Reads of no bytes wait for data without holding a buffer: most connections are idle.
    public PipeReader Input { get; } = PipeReader.Create(tls, new StreamPipeReaderOptions(pool, leaveOpen: true, useZeroByteReads: true));

    public PipeWriter Output { get; } = new TlsOutput(PipeWriter.Create(tls, new StreamPipeWriterOptions(pool, leaveOpen: true)), abort);

    public async Task CompleteAsync()
    {
        await Input.CompleteAsync();
        await Output.CompleteAsync();
    }
}
