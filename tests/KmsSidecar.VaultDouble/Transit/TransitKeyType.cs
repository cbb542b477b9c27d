using KmsSidecar.Doubles.Core;

namespace KmsSidecar.Doubles.Transit;

/// <param name="KeySize">Bytes of a symmetric key; 0 for those of two halves.</param>
internal sealed record TransitKeyType(string Name, int KeySize, bool Encrypts, bool Derives)
{
    private static readonly TransitKeyType[] All =
    [
        new("aes128-gcm96", 16, Encrypts: true, Derives: true),
        new("aes256-gcm96", 32, Encrypts: true, Derives: true),
        new("chacha20-poly1305", 32, Encrypts: true, Derives: true),
        new("xchacha20-poly1305", 32, Encrypts: true, Derives: true),
        new("rsa-2048", 0, Encrypts: true, Derives: false),
        new("ed25519", 0, Encrypts: false, Derives: true),
    ];

    /// <summary>Takes associated data.</summary>
    public bool IsAead => KeySize > 0;

    public bool Signs => !IsAead;

    public static TransitKeyType Parse(string name) =>
        Array.Find(All, type => type.Name == name) ?? throw new VaultFailure(400, $"unknown key type {name}");
}
