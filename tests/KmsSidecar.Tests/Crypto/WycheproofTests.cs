using System.Text.Json;
using KmsSidecar.Crypto;
using Xunit;

namespace KmsSidecar.Tests.Crypto;

/// <summary>Project Wycheproof, AES-GCM: every case runs or is refused for its key or nonce length, and the counts are fixed.</summary>
public sealed class WycheproofTests
{
    private static readonly Case[] Cases = [.. ReadCases()];

    [Fact]
    public void Vectors_AreAllAccountedFor()
    {
        Assert.Equal(316, Cases.Length);
        Assert.Equal(66, Cases.Count(c => c.IsApplicable));
        Assert.Equal(39, Cases.Count(c => c is { IsApplicable: true, IsValid: true }));
        Assert.Equal(39, Cases.Count(c => c.Key.Length == AeadKey.KeyLength && c.Nonce.Length != AeadKey.GcmNonceLength));
        Assert.Equal(211, Cases.Count(c => c.Key.Length != AeadKey.KeyLength));
    }

    [Theory]
    [MemberData(nameof(Engines.Names), MemberType = typeof(Engines))]
    public void ValidCases_SealToTheVector(string engine)
    {
        foreach (Case vector in Cases.Where(c => c is { IsApplicable: true, IsValid: true }))
        {
            using AeadKey key = AeadKey.From(vector.Key, Engines.Named(engine));
            byte[] destination = new byte[vector.Message.Length + AeadKey.TagLength];
            key.SealGcm(vector.Nonce, vector.Message, vector.AssociatedData, destination);
            Assert.True(vector.Sealed.AsSpan().SequenceEqual(destination), $"case {vector.Id}");
        }
    }

    [Theory]
    [MemberData(nameof(Engines.Names), MemberType = typeof(Engines))]
    public void ApplicableCases_OpenOnlyWhenValid(string engine)
    {
        foreach (Case vector in Cases.Where(c => c.IsApplicable))
        {
            using AeadKey key = AeadKey.From(vector.Key, Engines.Named(engine));
            byte[] destination = new byte[vector.Message.Length];
            destination.AsSpan().Fill(0xa5);
            bool opened = key.TryOpenGcm(vector.Nonce, vector.Sealed, vector.AssociatedData, destination);
            Assert.True(opened == vector.IsValid, $"case {vector.Id}");
            Assert.True(destination.AsSpan().SequenceEqual(opened ? vector.Message : new byte[vector.Message.Length]), $"case {vector.Id}");
        }
    }

    [Fact]
    public void OtherNonceLengths_AreMisuse()
    {
        foreach (Case vector in Cases.Where(c => c.Key.Length == AeadKey.KeyLength && c.Nonce.Length != AeadKey.GcmNonceLength))
        {
            using AeadKey key = AeadKey.From(vector.Key);
            Assert.Throws<ArgumentOutOfRangeException>(
                () => key.TryOpenGcm(vector.Nonce, vector.Sealed, vector.AssociatedData, new byte[vector.Message.Length]));
            Assert.Throws<ArgumentOutOfRangeException>(
                () => key.SealGcm(vector.Nonce, vector.Message, vector.AssociatedData, new byte[vector.Sealed.Length]));
        }
    }

    [Fact]
    public void OtherKeyLengths_AreMisuse()
    {
        foreach (Case vector in Cases.Where(c => c.Key.Length != AeadKey.KeyLength))
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => AeadKey.From(vector.Key));
        }
    }

    private static IEnumerable<Case> ReadCases()
    {
        foreach (JsonElement group in VectorFile.Read("wycheproof", "aes_gcm_test.json").GetProperty("testGroups").EnumerateArray())
        {
            Assert.Equal(8 * AeadKey.TagLength, group.GetProperty("tagSize").GetInt32());
            foreach (JsonElement test in group.GetProperty("tests").EnumerateArray())
            {
                yield return new Case(
                    test.GetProperty("tcId").GetInt32(), test.Hex("key"), test.Hex("iv"), test.Hex("aad"), test.Hex("msg"),
                    [.. test.Hex("ct"), .. test.Hex("tag")], test.Text("result") == "valid");
            }
        }
    }

    private sealed record Case(int Id, byte[] Key, byte[] Nonce, byte[] AssociatedData, byte[] Message, byte[] Sealed, bool IsValid)
    {
        public bool IsApplicable => Key.Length == AeadKey.KeyLength && Nonce.Length == AeadKey.GcmNonceLength;
    }
}
