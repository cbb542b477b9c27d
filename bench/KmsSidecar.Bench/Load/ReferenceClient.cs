using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace KmsSidecar.Bench.Load;

/// <summary>Speaks the frames of bench/reference/reference.c, whose header comment defines them.</summary>
internal sealed class ReferenceClient : IKeyClient
{
    private const int HeaderBytes = 4;
    private const int AssociatedDataBytes = 96;
    private const int KeyBytes = 256 / 8;
    private const int SealedBytes = (96 / 8) + KeyBytes + (128 / 8);
    private const int GenerateAnswerBytes = HeaderBytes + 1 + KeyBytes + SealedBytes;
    private const int UnwrapAnswerBytes = HeaderBytes + 1 + KeyBytes;
    private const byte Done = 0;

    private readonly Stream _stream;
    private readonly byte[] _request;
    private readonly byte[] _answer = new byte[GenerateAnswerBytes];
    private readonly byte[] _expectedKey = [];

    /// <summary>For <see cref="Operation.Decrypt"/>, generates the key that every request then unwraps.</summary>
    /// <exception cref="IOException">The server refused to generate it.</exception>
    public ReferenceClient(Stream stream, Operation operation)
    {
        _stream = stream;
        ReadOnlySpan<byte> associatedData = new byte[AssociatedDataBytes];
        _request = Frame((byte)'G', associatedData);
        if (operation == Operation.Decrypt)
        {
            if (!TryExchange(out string? problem))
            {
                throw new IOException(problem);
            }

            _expectedKey = _answer.AsSpan(HeaderBytes + 1, KeyBytes).ToArray();
            _request = Frame((byte)'U', [.. associatedData, .. _answer.AsSpan(HeaderBytes + 1 + KeyBytes, SealedBytes)]);
        }
    }

    public bool TryExchange([NotNullWhen(false)] out string? problem)
    {
        _stream.Write(_request);
        int answerBytes = ReceiveFrame();
        bool isUnwrap = _expectedKey.Length > 0;
        if (_answer[HeaderBytes] != Done || answerBytes != (isUnwrap ? UnwrapAnswerBytes : GenerateAnswerBytes))
        {
            problem = $"the reference server answered with code {_answer[HeaderBytes]} in {answerBytes} bytes";
            return false;
        }

        if (isUnwrap && !_answer.AsSpan(HeaderBytes + 1, KeyBytes).SequenceEqual(_expectedKey))
        {
            problem = "the reference server unwrapped a different key";
            return false;
        }

        problem = null;
        return true;
    }

    public void Dispose() => _stream.Dispose();

    private static byte[] Frame(byte code, ReadOnlySpan<byte> payload)
    {
        byte[] frame = new byte[HeaderBytes + 1 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, 1 + payload.Length);
        frame[HeaderBytes] = code;
        payload.CopyTo(frame.AsSpan(HeaderBytes + 1));
        return frame;
    }

    private int ReceiveFrame()
    {
        int frameBytes = GenerateAnswerBytes;
        int filled = 0;
        while (filled < frameBytes)
        {
            int received = _stream.Read(_answer.AsSpan(filled, frameBytes - filled));
            if (received == 0)
            {
                throw new EndOfStreamException("the reference server closed the connection");
            }

            filled += received;
            if (filled >= HeaderBytes)
            {
                long length = BinaryPrimitives.ReadUInt32BigEndian(_answer);
                if (length is 0 or > GenerateAnswerBytes - HeaderBytes)
                {
                    throw new IOException($"the reference server announced a frame of {length} bytes");
                }

                frameBytes = HeaderBytes + (int)length;
            }
        }

        return filled;
    }
}
