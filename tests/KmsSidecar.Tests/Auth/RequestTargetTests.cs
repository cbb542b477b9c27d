using KmsSidecar.Auth;
using Xunit;

namespace KmsSidecar.Tests.Auth;

public sealed class RequestTargetTests
{
    [Theory]
    [InlineData("/a/b?c=d", "/a/b", "c=d")]
    [InlineData("/a?b?c", "/a", "b?c")]
    [InlineData("/a?", "/a", "")]
    [InlineData("//a//", "//a//", "")]
    [InlineData("http://host:9000/a?b", "/a", "b")]
    [InlineData("HTTPS://host/a%20b", "/a%20b", "")]
    [InlineData("http://host", "/", "")]
    [InlineData("http://host?b", "/", "b")]
    public void Target_IsSplitAndNotDecoded(string raw, string path, string query) =>
        Assert.Equal(new RequestTarget(path, query), Harness.Target(raw));

    [Theory]
    [InlineData("")]
    [InlineData("*")]
    [InlineData("host:9000")]
    [InlineData("a/b")]
    [InlineData("ftp://host/a")]
    [InlineData("http://")]
    [InlineData("http:///a")]
    [InlineData("/a b")]
    [InlineData("/a\nb")]
    [InlineData("/a#b")]
    [InlineData("/a\0")]
    [InlineData("/é")]
    public void OtherTarget_IsRefused(string raw)
    {
        Assert.False(RequestTarget.TryParse(raw, out _, out AuthFailure? failure));
        Assert.Equal(AuthErrorCode.InvalidURI, failure.Code);
    }

    [Fact]
    public void LongestTarget_IsAccepted()
    {
        string longest = "/" + new string('a', RequestTarget.MaxChars - 1);

        Assert.True(RequestTarget.TryParse(longest, out _, out _));
        Assert.False(RequestTarget.TryParse(longest + "a", out _, out _));
    }
}
