using System.Text;
using KmsSidecar.Crypto;
using Xunit;

namespace KmsSidecar.Tests.Crypto;

public sealed class LowerHexTests
{
    [Fact]
    public void EveryByte_HasItsTwoDigits()
    {
        byte[] bytes = [.. Enumerable.Range(0, 256).Select(static value => (byte)value)];
        byte[] digits = new byte[2 * bytes.Length];
        LowerHex.Write(bytes, digits);
        Assert.Equal(Convert.ToHexStringLower(bytes), Encoding.ASCII.GetString(digits));
    }
}
