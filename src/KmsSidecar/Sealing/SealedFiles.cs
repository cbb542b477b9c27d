using System.Text;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Storage;

namespace KmsSidecar.Sealing;

/// <summary>Files of one directory, each sealed with the node's master key and bound to its own name.</summary>
/// <remarks><c>"KMSSEAL1"(8) | nonce(24) | XAES-256-GCM(content) | tag(16)</c>, additional data <c>"kms-sidecar/" purpose "/" name</c>:
/// a file that is renamed or moved to another purpose does not open.</remarks>
/// <param name="purpose">What the directory holds, for example <c>configuration</c>.</param>
internal sealed class SealedFiles(DurableDirectory directory, AeadKey key, string purpose)
{
    /// <summary>The largest stored configuration, every character escaped, is below 10 MiB.</summary>
    private const int MaxFileBytes = 16 * 1024 * 1024;
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static ReadOnlySpan<byte> Magic => "KMSSEAL1"u8;

    public string PathOf(string name) => Path.Join(directory.FullPath, name);

    public IEnumerable<string> List() => directory.List();

    /// <summary>Durable when it returns; puts new content in the place of the old at once or not at all.</summary>
    public void Write(string name, ReadOnlySpan<byte> content) => directory.Replace(name, Seal(name, content), Mode);

    /// <summary>Durable when it returns; when it throws, the file is not there.</summary>
    public void Create(string name, ReadOnlySpan<byte> content)
    {
        if (!directory.TryCreate(name, Seal(name, content), Mode))
        {
            throw new KmsException(KmsError.StorageFailed, $"{PathOf(name)} exists already: something else writes to this directory");
        }
    }

    public bool Exists(string name) => directory.Exists(name);

    /// <param name="content">The caller's to dispose; null unless it opened.</param>
    /// <returns>Why it does not open; null when it did.</returns>
    public string? TryRead(string name, out SecretBytes? content)
    {
        content = null;
        byte[]? file = directory.TryRead(name, MaxFileBytes);
        if (file is null)
        {
            return "it does not exist";
        }

        int overhead = Magic.Length + AeadKey.XaesNonceLength + AeadKey.TagLength;
        if (file.Length < overhead || !file.AsSpan().StartsWith(Magic))
        {
            return "it is not a sealed file, or only a part of one";
        }

        SecretBytes opened = SecretBytes.Allocate(file.Length - overhead);
        ReadOnlySpan<byte> nonce = file.AsSpan(Magic.Length, AeadKey.XaesNonceLength);
        if (!key.TryOpenXaes(nonce, file.AsSpan(Magic.Length + nonce.Length), Binding(name), opened.Span))
        {
            opened.Dispose();
            return "its seal does not open: it was changed, or sealed with another master key";
        }

        content = opened;
        return null;
    }

    public void Delete(string name) => directory.Delete(name);

    private byte[] Binding(string name) => Encoding.UTF8.GetBytes($"kms-sidecar/{purpose}/{name}");

    private byte[] Seal(string name, ReadOnlySpan<byte> content)
    {
        byte[] file = new byte[Magic.Length + AeadKey.XaesNonceLength + content.Length + AeadKey.TagLength];
        Magic.CopyTo(file);
        Span<byte> nonce = file.AsSpan(Magic.Length, AeadKey.XaesNonceLength);
        RandomBytes.Fill(nonce);
        key.SealXaes(nonce, content, Binding(name), file.AsSpan(Magic.Length + AeadKey.XaesNonceLength));
        return file;
    }
}
