using KmsSidecar.Auth;
using Xunit;

namespace KmsSidecar.Tests.Auth;

public sealed class SigningKeyCacheTests
{
    private static readonly CredentialScope Scope = new("20150830", "us-east-1", "iam");

    /// <summary>The example of the AWS documentation, "Examples of how to derive a signing key".</summary>
    [Fact]
    public void SigningKey_IsThatOfTheDocumentation()
    {
        byte[] key = new byte[SigningKey.Bytes];

        SigningKey.Derive("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"u8, Scope, key);

        Assert.Equal("c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9", Convert.ToHexStringLower(key));
    }

    [Fact]
    public void KeyUsedLongestAgo_MakesRoom()
    {
        SigningKeyCache cache = new(capacity: 2);
        cache.Add(Id("a"), Key(1));
        cache.Add(Id("b"), Key(2));
        Assert.True(cache.TryGet(Id("a"), new byte[SigningKey.Bytes]));

        cache.Add(Id("c"), Key(3));

        Assert.Equal(Key(1), Get(cache, Id("a")));
        Assert.Null(Get(cache, Id("b")));
        Assert.Equal(Key(3), Get(cache, Id("c")));
    }

    [Fact]
    public void EveryPartOfTheId_Counts()
    {
        SigningKeyCache cache = new(capacity: 8);
        cache.Add(Id("a"), Key(1));

        Assert.Null(Get(cache, Id("b")));
        Assert.Null(Get(cache, Id("a") with { SecretVersion = 2 }));
        Assert.Null(Get(cache, Id("a") with { Scope = Scope with { Date = "20150831" } }));
        Assert.Null(Get(cache, Id("a") with { Scope = Scope with { Region = "eu-west-1" } }));
        Assert.Null(Get(cache, Id("a") with { Scope = Scope with { Service = "s3" } }));
    }

    [Fact]
    public void ClearedCache_KnowsNothing()
    {
        SigningKeyCache cache = new(capacity: 8);
        cache.Add(Id("a"), Key(1));

        cache.Clear();

        Assert.Null(Get(cache, Id("a")));
    }

    [Fact]
    public void ConcurrentUse_NeverYieldsAnotherKey()
    {
        SigningKeyCache cache = new(capacity: 4);

        Parallel.For(0, 20_000, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
        {
            byte number = (byte)(i % 7);
            SigningKeyId id = Id(number.ToString());
            if (Get(cache, id) is byte[] found)
            {
                Assert.Equal(Key(number), found);
            }
            else
            {
                cache.Add(id, Key(number));
            }

            if (i % 1000 == 0)
            {
                cache.Clear();
            }
        });
    }

    private static SigningKeyId Id(string accessKey) => new(accessKey, 1, Scope);

    private static byte[] Key(byte value) => [.. Enumerable.Repeat(value, SigningKey.Bytes)];

    private static byte[]? Get(SigningKeyCache cache, SigningKeyId id)
    {
        byte[] key = new byte[SigningKey.Bytes];
        return cache.TryGet(id, key) ? key : null;
    }
}
