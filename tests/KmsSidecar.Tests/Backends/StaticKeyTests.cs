using System.Text;
using KmsSidecar.Backends.Static;
using KmsSidecar.Errors;
using Xunit;

namespace KmsSidecar.Tests.Backends;

public sealed class StaticKeyTests
{
    private const string Base64 = "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo=";

    [Theory]
    [InlineData($"my-key:{Base64}", "my-key")]
    [InlineData($"  my-key:{Base64}\r\n\n", "my-key")]
    [InlineData($"ключ:{Base64}", "ключ")]
    public void IdAndMaterial_AreCutAtTheColon(string content, string id)
    {
        using StaticKey key = StaticKey.Parse(Encoding.UTF8.GetBytes(content));
        Assert.Equal(id, key.KeyId);
        Assert.Equal(Enumerable.Repeat((byte)0x5a, 32), key.Material.Span.ToArray());
        Assert.DoesNotContain("WlpaW", key.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "has no colon between key id and key")]
    [InlineData(Base64, "has no colon between key id and key")]
    [InlineData($":{Base64}", "has no key id before the colon")]
    [InlineData("my-key:", "has no key behind the colon")]
    [InlineData("my-key: \n", "has no key behind the colon")]
    [InlineData($"my-key:a:{Base64}", "has a key that is not standard base64 with padding")]
    [InlineData("my-key:WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo", "has a key that is not standard base64 with padding")]
    [InlineData("my-key:WlpaWlpaWlpaWlpaWlpaWlpa\nWlpaWlpaWlpaWlpaWlo=", "has a key that is not standard base64 with padding")]
    [InlineData("my-key:WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlp=", "has a key that is not standard base64 with padding")]
    [InlineData("my-key:__paWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo=", "has a key that is not standard base64 with padding")]
    [InlineData("my-key:WlpaWlpaWlpaWlpaWlpaWg==", "has a key of 16 bytes instead of 32")]
    public void Fault_IsNamed_AndNothingIsRepeated(string content, string fault)
    {
        KmsException e = Assert.Throws<KmsException>(() => StaticKey.Parse(Encoding.UTF8.GetBytes(content)));
        Assert.Equal(KmsError.InvalidConfiguration, e.Error);
        Assert.Equal($"the static key {fault}; it is written KEY_ID:BASE64, the base64 of 32 bytes", e.Message);
    }

    [Fact]
    public void IdThatIsNotUtf8_IsNamed()
    {
        KmsException e = Assert.Throws<KmsException>(() => StaticKey.Parse([0xff, (byte)':', .. Encoding.ASCII.GetBytes(Base64)]));
        Assert.StartsWith("the static key has a key id that is not UTF-8", e.Message, StringComparison.Ordinal);
    }
}
