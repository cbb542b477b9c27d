using System.Buffers;
using System.Collections.Immutable;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using Xunit;

namespace KmsSidecar.Tests.Backends;

/// <summary>The seam's calls, in the form in which a test wants to write them.</summary>
internal static class BackendCalls
{
    public static readonly byte[] DataKey = [.. Enumerable.Range(100, 32).Select(i => (byte)i)];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<(KmsError Error, uint Version, byte[] Blob)> WrapAsync(
        this IKeyBackend backend, string keyId, EnvelopeForm form = EnvelopeForm.Bound, EncryptionContext? context = null)
    {
        ArrayBufferWriter<byte> output = new();
        WrapRequest request = new(keyId, KeySpec.Aes256, form, DataKey, context ?? EncryptionContext.Empty, output);
        WrapResult result = await backend.WrapAsync(request, Cancellation);
        return (result.Error, result.KeyVersion, output.WrittenSpan.ToArray());
    }

    /// <summary>The plaintext is empty when the call fails; then the whole buffer was zero.</summary>
    public static async Task<(KmsError Error, uint Version, byte[] Plaintext)> UnwrapAsync(
        this IKeyBackend backend, byte[] blob, EncryptionContext? context = null)
    {
        Assert.True(Envelope.TryParse(blob, out Envelope? envelope));
        return await backend.UnwrapAsync(envelope, context);
    }

    public static async Task<(KmsError Error, uint Version, byte[] Plaintext)> UnwrapAsync(
        this IKeyBackend backend, Envelope envelope, EncryptionContext? context = null)
    {
        byte[] buffer = new byte[Envelope.MaxPlaintextLength];
        Array.Fill(buffer, (byte)0xcc);
        UnwrapResult result = await backend.UnwrapAsync(envelope, context ?? EncryptionContext.Empty, buffer, Cancellation);
        if (result.Error != KmsError.None)
        {
            Assert.Equal(0, result.Length);
            Assert.True(buffer.AsSpan().IndexOfAnyExcept((byte)0) < 0, "a failed unwrap leaves zeroes");
        }

        return (result.Error, result.KeyVersion, buffer[..result.Length]);
    }

    public static async Task<KeyDescription> CreateAsync(
        this IKeyBackend backend, string keyId, string? description = null, params (string Name, string Value)[] tags)
    {
        NewKey request = new(
            keyId, description, tags.ToImmutableSortedDictionary(tag => tag.Name, tag => tag.Value, StringComparer.Ordinal));
        return await backend.CreateAsync(request, Cancellation);
    }

    public static async Task<KmsError> CreateErrorAsync(this IKeyBackend backend, string keyId) =>
        (await Assert.ThrowsAsync<KmsException>(() => backend.CreateAsync(keyId))).Error;

    public static async Task<(KmsError Error, KeyDescription? Key)> FindAsync(this IKeyBackend backend, string keyId) =>
        await backend.FindAsync(keyId, Cancellation);

    /// <summary>True also for a damaged key.</summary>
    public static async Task<bool> HoldsAsync(this IKeyBackend backend, string keyId) =>
        (await backend.FindAsync(keyId)).Error is KmsError.None or KmsError.KeyDamaged;

    public static async Task<KeyDescription> ChangeAsync(this IKeyBackend backend, string keyId, KeyChange change) =>
        await backend.ChangeAsync(keyId, change, Cancellation);

    public static async Task<KeyDescription> RotateAsync(this IKeyBackend backend, string keyId) => await backend.RotateAsync(keyId, Cancellation);

    public static async Task DestroyAsync(this IKeyBackend backend, string keyId, DateTimeOffset? ifDueBy = null) =>
        await backend.DestroyAsync(keyId, ifDueBy, Cancellation);

    public static async Task<string[]> DueAsync(this IKeyBackend backend, DateTimeOffset now) =>
        [.. (await backend.FindDueAsync(now, Cancellation)).Select(static key => key.KeyId)];

    public static async Task<(string[] Ids, string? Next)> ListAsync(this IKeyBackend backend, string? marker = null, int limit = 1000)
    {
        KeyPage page = await backend.ListAsync(marker, limit, Cancellation);
        return ([.. page.Keys.Select(key => key.KeyId)], page.NextMarker);
    }

    public static EncryptionContext Context(params (string Name, string Value)[] pairs) =>
        EncryptionContext.FromPairs(pairs.Select(pair => KeyValuePair.Create(pair.Name, pair.Value)));
}
