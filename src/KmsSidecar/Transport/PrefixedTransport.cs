using System.Buffers;
using System.IO.Pipelines;

namespace KmsSidecar.Transport;

/// <summary>A connection's pipes with some bytes in front of its input: what was read of it before.</summary>
internal sealed class PrefixedTransport : IDuplexPipe
{
    private readonly Pipe _input = new();
    private readonly PipeReader _source;

    /// <param name="prefix">Copied.</param>
    public PrefixedTransport(IDuplexPipe transport, ReadOnlySpan<byte> prefix)
    {
        _source = transport.Input;
        Output = transport.Output;
        _input.Writer.Write(prefix);
        _ = CopyAsync();
    }

    public PipeReader Input => _input.Reader;

    public PipeWriter Output { get; }

    private async Task CopyAsync()
    {
        Exception? fault = null;
        try
        {
            FlushResult flushed = await _input.Writer.FlushAsync();
            while (!flushed.IsCompleted)
            {
                ReadResult read = await _source.ReadAsync();
                foreach (ReadOnlyMemory<byte> segment in read.Buffer)
                {
                    _input.Writer.Write(segment.Span);
                }

                _source.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted || read.IsCanceled)
                {
                    break;
                }

                flushed = await _input.Writer.FlushAsync();
            }
        }
        catch (Exception lost) when (lost is IOException or OperationCanceledException)
        {
            fault = lost;
        }

        await _input.Writer.CompleteAsync(fault);
        await _source.CompleteAsync();
    }
}
