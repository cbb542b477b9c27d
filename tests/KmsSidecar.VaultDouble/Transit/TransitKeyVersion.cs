using System.Security.Cryptography;
using System.Text.Json.Nodes;
using KmsSidecar.Doubles.Core;

namespace KmsSidecar.Doubles.Transit;

/// <summary>One version of a key, with its material.</summary>
internal sealed class TransitKeyVersion
{
    private readonly TransitKeyType _type;
    private readonly DateTimeOffset _created;
    private readonly byte[] _material;
    private readonly RSA? _rsa;

    public TransitKeyVersion(TransitKeyType type, DateTimeOffset created)
    {
        (_type, _created) = (type, created);
        _rsa = type.Name == "rsa-2048" ? RSA.Create(2048) : null;
        // A signing key is only ever shown: any 32 bytes do for its public half.
        _material = RandomNumberGenerator.GetBytes(type.IsAead ? type.KeySize : 32);
    }

    /// <param name="context">For the keys that are derived; null for the others.</param>
    public byte[] Seal(byte[] plaintext, byte[] associatedData, byte[]? context) => _rsa is not null
        ? _rsa.Encrypt(plaintext, RSAEncryptionPadding.OaepSHA256)
        : AeadCipher.Seal(_type.Name, MaterialFor(context), plaintext, associatedData);

    /// <exception cref="CryptographicException">The bytes are not this key's, or not with this data.</exception>
    public byte[] Open(byte[] sealedBytes, byte[] associatedData, byte[]? context) => _rsa is not null
        ? _rsa.Decrypt(sealedBytes, RSAEncryptionPadding.OaepSHA256)
        : AeadCipher.Open(_type.Name, MaterialFor(context), sealedBytes, associatedData);

    /// <summary>As reading a key shows it: the time alone, or the public half.</summary>
    public JsonNode Describe() => _type.IsAead
        ? _created.ToUnixTimeSeconds()
        : new JsonObject
        {
            ["certificate_chain"] = "",
            ["creation_time"] = GoTime.Format(_created),
            ["name"] = _type.Name,
            ["public_key"] = _rsa is null ? Convert.ToBase64String(_material) : $"{_rsa.ExportSubjectPublicKeyInfoPem()}\n",
        };

    public string Export() => _rsa is null ? Convert.ToBase64String(_material) : $"{_rsa.ExportRSAPrivateKeyPem()}\n";

    private byte[] MaterialFor(byte[]? context) =>
        context is null ? _material : HKDF.DeriveKey(HashAlgorithmName.SHA256, _material, _material.Length, salt: [], info: context);
}
