using System.Buffers;
using System.IO.Pipelines;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;

namespace KmsSidecar.Api;

/// <summary>Reads a whole request body into a wiped buffer, never more than the route takes.</summary>
internal static class BodyReader
{
    /// <param name="cancellation">Ends with the time that a body may take, or when the caller goes away.</param>
    /// <exception cref="KmsException">RequestTooLarge; RequestTimeout; MalformedRequest: it is not framed as the head says, or breaks off.</exception>
    /// <exception cref="OperationCanceledException">The caller is gone.</exception>
    public static async ValueTask ReadAsync(HttpRequest request, SecretBuffer destination, int maxBytes, CancellationToken cancellation)
    {
        if (request.ContentLength > maxBytes)
        {
            throw TooLarge(maxBytes);
        }

        try
        {
            // Not by the token: Kestrel cannot drain a body while the read that a token has abandoned goes on.
            using CancellationTokenRegistration end =
                cancellation.UnsafeRegister(static reader => ((PipeReader)reader!).CancelPendingRead(), request.BodyReader);
            if (!await TryCopyAsync(request.BodyReader, destination, maxBytes))
            {
                request.HttpContext.RequestAborted.ThrowIfCancellationRequested();
                throw new KmsException(KmsError.RequestTimeout);
            }
        }
        catch (BadHttpRequestException refused)
        {
            // Kestrel's own limits and its reading of Content-Length and chunks.
            throw refused.StatusCode switch
            {
                StatusCodes.Status408RequestTimeout => new KmsException(KmsError.RequestTimeout),
                StatusCodes.Status413PayloadTooLarge => TooLarge(maxBytes),
                _ => new KmsException(KmsError.MalformedRequest, "the request body is not what the head says: it breaks off, or its chunks are malformed"),
            };
        }
        catch (IOException reset)
        {
            throw new OperationCanceledException("the connection was reset", reset);
        }
    }

    /// <summary>False when the read was cancelled before the body's end.</summary>
    private static async ValueTask<bool> TryCopyAsync(PipeReader reader, SecretBuffer destination, int maxBytes)
    {
        while (true)
        {
            ReadResult result = await reader.ReadAsync(CancellationToken.None);
            try
            {
                foreach (ReadOnlyMemory<byte> segment in result.Buffer)
                {
                    if (destination.WrittenSpan.Length + segment.Length > maxBytes)
                    {
                        throw TooLarge(maxBytes);
                    }

                    destination.Write(segment.Span);
                }
            }
            finally
            {
                reader.AdvanceTo(result.Buffer.End);
            }

            if (result.IsCompleted || result.IsCanceled)
            {
                return result.IsCompleted;
            }
        }
    }

    private static KmsException TooLarge(int maxBytes) =>
        new(KmsError.RequestTooLarge, $"the request body is too large: this route takes up to {maxBytes} bytes");
}
