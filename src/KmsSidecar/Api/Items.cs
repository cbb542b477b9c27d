using System.Text.Json;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Json;

namespace KmsSidecar.Api;

/// <summary>The items of one request, in their order, each written by its own operation: one after the other, or all under way at once where
/// each waits for an answer from elsewhere.</summary>
internal static class Items
{
    /// <summary>What an item's operation works with, and nobody else meanwhile; the item before may have left something in it.</summary>
    internal readonly record struct Room(Utf8JsonWriter Writer, SecretBuffer Plaintext, SecretBuffer Envelope);

    /// <summary>Writes one item; nothing when it fails, which ends the request.</summary>
    internal delegate ValueTask<KmsError> Operation(int index, Room room);

    /// <param name="room">Of the request as a whole: its writer receives all items.</param>
    /// <param name="overlaps">The operations wait for another program, which answers many at once nearly as fast as one.</param>
    /// <returns>The error of the first item that failed; what was written is not to be sent then.</returns>
    public static ValueTask<KmsError> WriteAsync(Room room, int count, bool overlaps, Operation operation) =>
        overlaps && count > 1 ? OverlapAsync(room.Writer, count, operation) : FollowAsync(room, count, operation);

    private static async ValueTask<KmsError> FollowAsync(Room room, int count, Operation operation)
    {
        for (int i = 0; i < count; i++)
        {
            KmsError error = await operation(i, room);
            if (error != KmsError.None)
            {
                return error;
            }
        }

        return KmsError.None;
    }

    private static async ValueTask<KmsError> OverlapAsync(Utf8JsonWriter writer, int count, Operation operation)
    {
        Task<KmsError>[] running = new Task<KmsError>[count];
        SecretBuffer[] written = new SecretBuffer[count];
        for (int i = 0; i < count; i++)
        {
            written[i] = new SecretBuffer();
            running[i] = RunAsync(i, written[i], operation);
        }

        try
        {
            // All have ended before a buffer goes.
            await Task.WhenAll(running);
            foreach (Task<KmsError> ended in running)
            {
                if (await ended is var error and not KmsError.None)
                {
                    return error;
                }
            }

            Array.ForEach(written, text => writer.WriteRawValue(text.WrittenSpan, skipInputValidation: true));
            return KmsError.None;
        }
        finally
        {
            Array.ForEach(written, static text => text.Dispose());
        }
    }

    private static async Task<KmsError> RunAsync(int index, SecretBuffer written, Operation operation)
    {
        using SecretBuffer plaintext = new();
        using SecretBuffer envelope = new();
        using Utf8JsonWriter writer = JsonOutput.WriteTo(written);
        return await operation(index, new Room(writer, plaintext, envelope));
    }
}
