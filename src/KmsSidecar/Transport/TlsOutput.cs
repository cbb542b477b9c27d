using System.IO.Pipelines;

namespace KmsSidecar.Transport;

/// <summary>The clear side of what is sent. When the connection is gone, what is written is dropped, as by Kestrel's own transports: a write that
/// throws is a fault of the program to Kestrel, and every caller could have it logged.</summary>
/// <param name="abort">Called once, when a write has failed.</param>
internal sealed class TlsOutput(PipeWriter tls, Action abort) : PipeWriter
{
    private static readonly FlushResult Gone = new(isCanceled: false, isCompleted: true);

    private Exception? _fault;

    public override bool CanGetUnflushedBytes => tls.CanGetUnflushedBytes;

    public override long UnflushedBytes => tls.UnflushedBytes;

    public override void Advance(int bytes) => tls.Advance(bytes);

    public override Memory<byte> GetMemory(int sizeHint = 0) => tls.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => tls.GetSpan(sizeHint);

    public override void CancelPendingFlush() => tls.CancelPendingFlush();

    public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return _fault is null ? await tls.FlushAsync(cancellationToken) : Gone;
        }
        catch (Exception lost) when (lost is IOException or InvalidOperationException)
        {
            return Break(lost);
        }
    }

    public override async ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        try
        {
            return _fault is null ? await tls.WriteAsync(source, cancellationToken) : Gone;
        }
        catch (Exception lost) when (lost is IOException or InvalidOperationException)
        {
            return Break(lost);
        }
    }

    /// <summary>With a fault nothing more is sent.</summary>
    public override void Complete(Exception? exception = null) => tls.Complete(exception ?? _fault);

    public override ValueTask CompleteAsync(Exception? exception = null) => tls.CompleteAsync(exception ?? _fault);

    private FlushResult Break(Exception lost)
    {
        _fault = lost;
        abort();
        return Gone;
    }
}
