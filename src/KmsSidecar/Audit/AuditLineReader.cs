namespace KmsSidecar.Audit;

/// <summary>Reads a file line by line in bounded memory, whatever is in it.</summary>
internal sealed class AuditLineReader(Stream file) : IDisposable
{
    private readonly byte[] _buffer = new byte[4 * AuditChain.MaxLineBytes];
    private int _begin;
    private int _end;

    /// <summary>Of the line that was read last; counts from 1.</summary>
    public long LineNumber { get; private set; }

    /// <summary>Bytes read.</summary>
    public long Position { get; private set; }

    /// <summary>At the end: bytes behind the last line break.</summary>
    public long TornBytes { get; private set; }

    /// <param name="line">Without its line break; valid until the next call. Empty for a line that is longer than any of the log.</param>
    /// <returns>False at the end.</returns>
    public bool TryRead(out ReadOnlySpan<byte> line)
    {
        long skipped = 0;
        while (true)
        {
            int length = _buffer.AsSpan(_begin, _end - _begin).IndexOf((byte)'\n');
            if (length >= 0)
            {
                line = skipped > 0 ? [] : _buffer.AsSpan(_begin, length);
                _begin += length + 1;
                LineNumber++;
                return true;
            }

            if (_end - _begin == _buffer.Length)
            {
                skipped += _buffer.Length;
                _begin = _end = 0;
            }

            if (!Fill())
            {
                TornBytes = skipped + _end - _begin;
                line = [];
                return false;
            }
        }
    }

    public void Dispose() => file.Dispose();

    private bool Fill()
    {
        _buffer.AsSpan(_begin, _end - _begin).CopyTo(_buffer);
        (_begin, _end) = (0, _end - _begin);
        int count = file.Read(_buffer.AsSpan(_end));
        _end += count;
        Position += count;
        return count > 0;
    }
}
