using KmsSidecar.Keys;
using Xunit;

namespace KmsSidecar.Tests.Keys;

public sealed class KeySpecTests
{
    [Theory]
    [InlineData("AES_256", "Aes256", 32)]
    [InlineData("AES_128", "Aes128", 16)]
    [InlineData("ChaCha20", "ChaCha20", 32)]
    public void BothSpellings_AreRead(string name, string adminName, int length)
    {
        Assert.True(KeySpecs.TryParse(name, out KeySpec spec));
        Assert.True(KeySpecs.TryParse(adminName, out KeySpec same));
        Assert.Equal(spec, same);
        Assert.Equal(name, spec.Name());
        Assert.Equal(length, spec.Length());
    }

    [Theory]
    [InlineData("")]
    [InlineData("aes_256")]
    [InlineData("AES_192")]
    [InlineData("AES_256 ")]
    public void OtherSpellings_AreRefused(string name) => Assert.False(KeySpecs.TryParse(name, out _));
}
