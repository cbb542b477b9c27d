using System.Text;
using KmsSidecar.Crypto;
using Xunit;

namespace KmsSidecar.Tests.Crypto;

public sealed class MasterKeyDerivationTests
{
    /// <summary>Computed with hash-wasm's Argon2id: v0x13, m=19456, t=2, p=1.</summary>
    [Theory]
    [InlineData("test-master-key", "000102030405060708090a0b0c0d0e0f", "85e3bed06a7af74a5a2db0650a09fe5e0099fc6c6baced5ed3a2071b6a633581")]
    [InlineData("production-master-key", "00112233445566778899aabbccddeeff", "09f76f0f937120da433b2b66038e7eaa960b5cb63bd28ba274443ec36c21b4b7")]
    [InlineData("pässwörd-密钥", "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a", "1cb58f4e1ed5b0cd6d032400c89dacd7dc2635ae334ec782e96cc2b6486b6e7c")]
    public void Argon2Id_MatchesTheVector(string password, string salt, string expected)
    {
        using SecretBytes key = MasterKeyDerivation.Argon2Id(Encoding.UTF8.GetBytes(password), Convert.FromHexString(salt));
        Assert.Equal(expected, Convert.ToHexStringLower(key.Span));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(15)]
    [InlineData(17)]
    public void Argon2Id_RefusesOtherSaltLengths(int length) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => MasterKeyDerivation.Argon2Id("x"u8, new byte[length]));

    /// <summary>RustFS's own test constant for records written up to 1.0.0-beta.8.</summary>
    [Fact]
    public void LegacySha256_OpensTheRecordOfBeta5()
    {
        using SecretBytes derived = MasterKeyDerivation.LegacySha256("beta5-test-master-key"u8);
        Assert.Equal("4099baa95d3c523d0e6508f16f833a0778541f7bfd0e17ef3bdbad05b8c3c69e", Convert.ToHexStringLower(derived.Span));

        using AeadKey key = AeadKey.From(derived.Span);
        byte[] material = new byte[32];
        Assert.True(key.TryOpenGcm(
            Convert.FromHexString("000102030405060708090a0b"),
            Convert.FromBase64String("xjwGa4Lj4qzKg6XQl8s2btyFkPHPChMAkjqs268TFGyvFUv8WjDD5HQCUDLViZmt"),
            [],
            material));
        Assert.Equal(Enumerable.Repeat((byte)0x42, 32), material);
    }

    /// <summary>The record of a current key file: Argon2id key, 96-bit nonce, no associated data.</summary>
    [Fact]
    public void Argon2IdKey_OpensAKeyFilesMaterial()
    {
        using SecretBytes derived = MasterKeyDerivation.Argon2Id(
            "test-master-key"u8, Convert.FromHexString("000102030405060708090a0b0c0d0e0f"));
        using AeadKey key = AeadKey.From(derived.Span);
        byte[] material = new byte[32];
        Assert.True(key.TryOpenGcm(
            Convert.FromHexString("000102030405060708090a0b"),
            Convert.FromBase64String("lTnl2Ut725sFxHpWPfGm9d9LGwnaxDFFlkelwbBUF4FUpvDMIVSHHBXzu/5ge2vf"),
            [],
            material));
        Assert.Equal(Enumerable.Repeat((byte)0x42, 32), material);
    }
}
