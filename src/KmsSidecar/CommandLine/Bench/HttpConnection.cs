using System.Net.Sockets;
using System.Security.Cryptography;

namespace KmsSidecar.CommandLine.Bench;

/// <param name="status">The status code.</param>
/// <param name="body">Valid until the next exchange on the same connection.</param>
internal readonly ref struct HttpAnswer(int status, ReadOnlySpan<byte> body)
{
    public int Status { get; } = status;

    public ReadOnlySpan<byte> Body { get; } = body;

    public bool IsSuccess => Status is >= 200 and < 300;
}

/// <summary>A kept-alive HTTP/1.1 connection that sends prepared requests one at a time.</summary>
/// <remarks>
/// Written by hand because HttpClient costs the client more CPU than the server spends on the request, and both share the same
/// cores. The stream is used by blocking calls only, so an exchange is three system calls and no hop between threads.
/// </remarks>
/// <param name="stream">Becomes this object's own.</param>
/// <param name="reopen">Opens the connection again when the server has ended it; null when that is a failure.</param>
internal sealed class HttpConnection(Stream stream, Func<Stream>? reopen = null) : IDisposable
{
    // An answer with one data key is below 2 KiB; the bound ends an exchange with a server of another kind.
    private const int MaxAnswerBytes = 64 * 1024;

    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(MaxAnswerBytes, pinned: true);
    private Stream _stream = stream;
    private int _filled;

    /// <summary>An answer has come over it.</summary>
    private bool _isUsed;
    private bool _isOver;

    public HttpConnection(Socket socket)
        : this(new PolledStream(socket))
    {
    }

    /// <summary>How often the server has ended the connection, and it was opened again.</summary>
    public int Reopened { get; private set; }

    /// <summary>Sends a complete request and reads its complete answer.</summary>
    /// <exception cref="IOException">The answer is not HTTP/1.1, too large, cut short, or took too long.</exception>
    public HttpAnswer Exchange(ReadOnlySpan<byte> request)
    {
        if (_isOver && reopen is not null)
        {
            Reopen(reopen);
        }

        try
        {
            return ExchangeOnce(request);
        }
        catch (IOException) when (reopen is not null && _isUsed && _filled == 0)
        {
            // What every client repeats (RFC 9112, section 9.3.1): a kept connection ended before there was any of an answer.
            Reopen(reopen);
            return ExchangeOnce(request);
        }
    }

    public void Dispose()
    {
        _stream.Dispose();

        // Answers bring data keys.
        CryptographicOperations.ZeroMemory(_buffer);
    }

    private void Reopen(Func<Stream> open)
    {
        _stream.Dispose();
        _stream = open();
        (_isUsed, _isOver) = (false, false);
        Reopened++;
    }

    private HttpAnswer ExchangeOnce(ReadOnlySpan<byte> request)
    {
        _filled = 0;
        _stream.Write(request);
        int headBytes = ReceiveLineEnd(0, "\r\n\r\n"u8);
        HttpHead head = HttpHead.Parse(_buffer.AsSpan(0, headBytes));
        int bodyStart = headBytes + 4;
        int answerEnd;
        ReadOnlySpan<byte> body;
        if (head.IsChunked)
        {
            body = ReceiveChunks(bodyStart, out answerEnd);
        }
        else
        {
            ReceiveTo(bodyStart, head.ContentLength);
            answerEnd = bodyStart + head.ContentLength;
            body = _buffer.AsSpan(bodyStart, head.ContentLength);
        }

        (_isUsed, _isOver) = (true, head.IsLast);
        return answerEnd == _filled
            ? new HttpAnswer(head.Status, body)
            : throw new IOException("the server sent more than the answer");
    }

    /// <summary>Reads chunks (RFC 9112, section 7.1) and moves their data together over the framing.</summary>
    private ReadOnlySpan<byte> ReceiveChunks(int bodyStart, out int answerEnd)
    {
        int bodyEnd = bodyStart;
        int position = bodyStart;
        while (true)
        {
            int lineEnd = ReceiveLineEnd(position, "\r\n"u8);
            int chunkBytes = HttpHead.ParseChunkSize(_buffer.AsSpan(position, lineEnd - position));
            position = lineEnd + 2;
            if (chunkBytes == 0)
            {
                break;
            }

            ReceiveTo(position, chunkBytes);
            ReceiveTo(position + chunkBytes, 2);
            _buffer.AsSpan(position, chunkBytes).CopyTo(_buffer.AsSpan(bodyEnd));
            bodyEnd += chunkBytes;
            position += chunkBytes + 2;
        }

        int trailerEnd;
        while ((trailerEnd = ReceiveLineEnd(position, "\r\n"u8)) != position)
        {
            position = trailerEnd + 2;
        }

        answerEnd = position + 2;
        return _buffer.AsSpan(bodyStart, bodyEnd - bodyStart);
    }

    /// <summary>The offset of the first <paramref name="end"/> at or after <paramref name="start"/>.</summary>
    private int ReceiveLineEnd(int start, ReadOnlySpan<byte> end)
    {
        int found;
        while ((found = _buffer.AsSpan(start, Math.Max(0, _filled - start)).IndexOf(end)) < 0)
        {
            Receive();
        }

        return start + found;
    }

    private void ReceiveTo(int start, int length)
    {
        if (length > _buffer.Length - start)
        {
            throw new IOException($"the answer is larger than {MaxAnswerBytes} bytes");
        }

        while (_filled < start + length)
        {
            Receive();
        }
    }

    private void Receive()
    {
        if (_filled == _buffer.Length)
        {
            throw new IOException($"the answer is larger than {MaxAnswerBytes} bytes");
        }

        int received = _stream.Read(_buffer.AsSpan(_filled));
        if (received == 0)
        {
            throw new EndOfStreamException("the server closed the connection");
        }

        _filled += received;
    }
}
