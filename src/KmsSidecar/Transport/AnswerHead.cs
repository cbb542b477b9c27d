using System.Globalization;
using System.Text;
using KmsSidecar.Api;
using KmsSidecar.Errors;
using Microsoft.AspNetCore.WebUtilities;

namespace KmsSidecar.Transport;

/// <summary>Writes the heads of answers, with the same headers as Kestrel and the dispatcher give.</summary>
/// <remarks>For one thread: the date is written anew once a second.</remarks>
internal sealed class AnswerHead(TimeProvider clock)
{
    /// <summary>More than any head has.</summary>
    public const int MaxLength = 512;

    private static readonly byte[] RetryAfter = Encoding.ASCII.GetBytes($"Retry-After: {KmsErrors.RetryAfterSeconds}\r\n");

    private readonly byte[] _date = Encoding.ASCII.GetBytes("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
    private long _dateSecond;

    /// <param name="isLast">The connection ends with it.</param>
    /// <param name="destination">At least <see cref="MaxLength"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public int Write(Call call, bool isLast, Span<byte> destination)
    {
        Span<byte> rest = destination;
        if (call.Status == StatusCodes.Status200OK)
        {
            Append(ref rest, "HTTP/1.1 200 OK\r\nContent-Length: "u8);
        }
        else
        {
            Append(ref rest, "HTTP/1.1 "u8);
            AppendNumber(ref rest, call.Status);
            Append(ref rest, Encoding.ASCII.GetBytes($" {ReasonPhrases.GetReasonPhrase(call.Status)}\r\nContent-Length: "));
        }

        AppendNumber(ref rest, call.Output.WrittenSpan.Length);
        bool isAws = call.Dialect == Dialect.AwsKms;
        Append(ref rest, isAws ? "\r\nContent-Type: application/x-amz-json-1.1\r\n"u8 : "\r\nContent-Type: application/json\r\n"u8);
        RefreshDate();
        Append(ref rest, _date);
        Append(ref rest, "Cache-Control: no-store\r\n"u8);
        if (isLast)
        {
            Append(ref rest, "Connection: close\r\n"u8);
        }

        if (call.IsRetryable)
        {
            Append(ref rest, RetryAfter);
        }

        Append(ref rest, "x-request-id: "u8);
        AppendId(ref rest, call.RequestId);
        if (isAws)
        {
            Append(ref rest, "\r\nx-amzn-RequestId: "u8);
            AppendId(ref rest, call.RequestId);
        }

        Append(ref rest, "\r\n\r\n"u8);
        return destination.Length - rest.Length;
    }

    private void RefreshDate()
    {
        DateTimeOffset now = clock.GetUtcNow();
        long second = now.Ticks / TimeSpan.TicksPerSecond;
        if (second != _dateSecond)
        {
            now.TryFormat(_date.AsSpan("Date: ".Length), out _, "r", CultureInfo.InvariantCulture);
            _dateSecond = second;
        }
    }

    private static void AppendId(ref Span<byte> rest, RequestId id)
    {
        id.WriteTo(rest);
        rest = rest[RequestId.TextLength..];
    }

    private static void Append(ref Span<byte> rest, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(rest);
        rest = rest[bytes.Length..];
    }

    private static void AppendNumber(ref Span<byte> rest, int number)
    {
        number.TryFormat(rest, out int written, provider: CultureInfo.InvariantCulture);
        rest = rest[written..];
    }
}
