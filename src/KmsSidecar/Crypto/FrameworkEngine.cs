using System.Runtime.Intrinsics;
using System.Security.Cryptography;

namespace KmsSidecar.Crypto;

/// <summary>The framework's ciphers. The state is the key itself.</summary>
/// <remarks>A cipher object is made per call, because one <see cref="AesGcm"/> shared by threads corrupts its results on Linux (its OpenSSL
/// context is stateful).</remarks>
internal sealed class FrameworkEngine : AeadEngine
{
    public override string Name => "the framework's ciphers";

    public override int StateLength => AeadKey.KeyLength;

    public override void Prepare(ReadOnlySpan<byte> key, Span<byte> state) => key.CopyTo(state);

    public override void Seal(
        ReadOnlySpan<byte> state, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> destination)
    {
        using AesGcm cipher = new(state, AeadKey.TagLength);
        cipher.Encrypt(nonce, plaintext, destination[..plaintext.Length], destination[plaintext.Length..], associatedData);
    }

    public override bool TryOpen(
        ReadOnlySpan<byte> state, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> @sealed, ReadOnlySpan<byte> associatedData, Span<byte> destination)
    {
        using AesGcm cipher = new(state, AeadKey.TagLength);
        try
        {
            cipher.Decrypt(nonce, @sealed[..destination.Length], @sealed[destination.Length..], destination, associatedData);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            CryptographicOperations.ZeroMemory(destination);
            return false;
        }
    }

    public override void DeriveKey(ReadOnlySpan<byte> state, ReadOnlySpan<byte> input, Span<byte> derived)
    {
        Span<byte> blocks = stackalloc byte[2 * Vector128<byte>.Count];
        using Aes aes = Aes.Create();
        aes.SetKey(state);
        try
        {
            Span<byte> first = blocks[..Vector128<byte>.Count];
            first.Clear();
            aes.EncryptEcb(first, first, PaddingMode.None);
            Vector128<byte> subkey = Xaes.Double(Vector128.Create((ReadOnlySpan<byte>)first));
            (Xaes.Message(1, input) ^ subkey).CopyTo(blocks);
            (Xaes.Message(2, input) ^ subkey).CopyTo(blocks[Vector128<byte>.Count..]);
            aes.EncryptEcb(blocks, derived, PaddingMode.None);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(blocks);
        }
    }

    public override void SealXaes(
        ReadOnlySpan<byte> state, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> destination)
    {
        Span<byte> derived = stackalloc byte[AeadKey.KeyLength];
        try
        {
            DeriveKey(state, nonce[..Xaes.DerivationInputLength], derived);
            Seal(derived, nonce[Xaes.DerivationInputLength..], plaintext, associatedData, destination);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(derived);
        }
    }

    public override bool TryOpenXaes(
        ReadOnlySpan<byte> state, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> @sealed, ReadOnlySpan<byte> associatedData, Span<byte> destination)
    {
        Span<byte> derived = stackalloc byte[AeadKey.KeyLength];
        try
        {
            DeriveKey(state, nonce[..Xaes.DerivationInputLength], derived);
            return TryOpen(derived, nonce[Xaes.DerivationInputLength..], @sealed, associatedData, destination);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(derived);
        }
    }
}
