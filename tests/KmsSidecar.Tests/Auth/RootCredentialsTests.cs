using KmsSidecar.Auth;
using Xunit;

namespace KmsSidecar.Tests.Auth;

public sealed class RootCredentialsTests
{
    private readonly byte[] _secret = new byte[SigningKey.MaxSecretBytes];

    [Fact]
    public void KnownKey_YieldsACopyOfItsSecret()
    {
        byte[] given = [.. "a-long-secret"u8];
        using RootCredentials root = new("admin", given);
        given.AsSpan().Clear();

        CredentialLookup found = root.Find("admin", null, _secret);

        Assert.Equal(new Principal("admin", IsOwner: true), found.Principal);
        Assert.Null(found.Refusal);
        Assert.Equal("a-long-secret"u8.ToArray(), _secret[..found.SecretBytes]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Admin")]
    [InlineData("admin2")]
    public void OtherKey_IsUnknownAndYieldsNothing(string accessKey)
    {
        using RootCredentials root = new("admin", "a-long-secret"u8);

        Assert.Equal(CredentialLookup.Unknown, root.Find(accessKey, null, _secret));
        Assert.Equal(new byte[_secret.Length], _secret);
    }

    /// <summary>A wiped secret is one that everybody knows.</summary>
    [Fact]
    public void DisposedCredentials_KnowNoKey()
    {
        RootCredentials root = new("admin", "a-long-secret"u8);
        root.Dispose();

        Assert.Equal(CredentialLookup.Unknown, root.Find("admin", null, _secret));
    }

    [Fact]
    public void EachSecret_HasItsOwnVersion()
    {
        using RootCredentials first = new("admin", "a-long-secret"u8);
        using RootCredentials second = new("admin", "a-long-secret"u8);

        Assert.NotEqual(first.Find("admin", null, _secret).SecretVersion, second.Find("admin", null, _secret).SecretVersion);
    }

    [Theory]
    [InlineData("ab")]
    [InlineData("a/b")]
    [InlineData("a,b")]
    [InlineData("a=b")]
    [InlineData("a b")]
    [InlineData("a%b")]
    [InlineData("aéb")]
    public void UnusableAccessKey_IsRefused(string accessKey) =>
        Assert.Throws<ArgumentException>(() => new RootCredentials(accessKey, "a-long-secret"u8));

    [Theory]
    [InlineData(3, true)]
    [InlineData(128, true)]
    [InlineData(129, false)]
    public void AccessKeyLength_IsBounded(int length, bool isUsable) =>
        Assert.Equal(isUsable, AccessKeyRules.FindFault(new string('a', length)) is null);

    [Fact]
    public void UnusableSecret_IsRefusedWithoutBeingRepeated()
    {
        Assert.NotNull(SecretKey.FindFault([]));
        Assert.NotNull(SecretKey.FindFault(new byte[SigningKey.MaxSecretBytes + 1]));
        Assert.DoesNotContain("hush", SecretKey.FindFault("hush\0"u8)!);
        Assert.Null(SecretKey.FindFault("x"u8));
    }

    [Theory]
    [InlineData("admin", true)]
    [InlineData("rustfsadmin", true)]
    [InlineData("12345678", false)]
    public void WeakSecret_IsNoted(string secret, bool isWeak)
    {
        using RootCredentials root = new("admin", System.Text.Encoding.UTF8.GetBytes(secret));

        Assert.Equal(isWeak, root.HasWeakSecret);
    }

    [Fact]
    public void Text_HoldsNoSecret()
    {
        using RootCredentials root = new("admin", "a-long-secret"u8);

        Assert.DoesNotContain("secret", root.ToString());
    }
}
