using KmsSidecar.Auth;
using Xunit;

namespace KmsSidecar.Tests.Auth;

public sealed class RequestTargetRulesTests
{
    [Theory]
    [InlineData("/kms//status", "empty segment")]
    [InlineData("//kms/status", "empty segment")]
    [InlineData("/kms/./status", "dot segment")]
    [InlineData("/kms/../kms/status", "dot segment")]
    [InlineData("/kms/..", "dot segment")]
    [InlineData("/kms/%2e%2e/status", "percent escape")]
    [InlineData("/kms/%73tatus", "percent escape")]
    [InlineData("/kms/a%00", "percent escape")]
    [InlineData("/kms/a%2Fb", "percent escape")]
    [InlineData("/kms\\status", "character")]
    [InlineData("/kms/a;b", "character")]
    [InlineData("/kms/a:b", "character")]
    [Trait("Case", "55")]
    public void PathOfTwoReadings_IsRefused(string path, string reason) => AssertRefused(path, reason);

    [Theory]
    [InlineData("marker=a+b", "plus sign")]
    [InlineData("a+b=1", "plus sign")]
    [InlineData("keyId=a&keyId=b", "twice")]
    [InlineData("keyId=a&key%49d=b", "twice")]
    [InlineData("a&a=", "twice")]
    [InlineData("a=%zz", "percent sign")]
    [InlineData("a=%4", "percent sign")]
    [InlineData("a=%", "percent sign")]
    [InlineData("a=%C0%AF", "UTF-8")]
    [InlineData("a=%ff", "UTF-8")]
    [InlineData("a=%ED%A0%80", "UTF-8")]
    [InlineData("a=%00", "control character")]
    [InlineData("a=%0A", "control character")]
    [InlineData("a=%2541", "twice")]
    [InlineData("=a", "without a name")]
    [InlineData("a=1&", "without a name")]
    [InlineData("a=1&&b=1", "without a name")]
    [Trait("Case", "57")]
    [Trait("Case", "58")]
    [Trait("Case", "59")]
    public void QueryOfTwoReadings_IsRefused(string query, string reason) => AssertRefused("/kms/keys?" + query, reason);

    [Fact]
    public void MoreParametersThanAnyRouteTakes_AreRefused()
    {
        string query = string.Join('&', Enumerable.Range(0, RequestTargetRules.MaxParameters).Select(static i => $"p{i}=1"));

        Assert.True(RequestTargetRules.TryRead(Harness.Target("/?" + query), out _, out _));
        AssertRefused("/?" + query + "&q=1", "32 parameters");
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/rustfs/admin/v3/kms/keys/app.key~1")]
    [InlineData("/rustfs/admin/v3/kms/keys/..a")]
    [InlineData("/rustfs/admin/v3/kms/keys/")]
    public void PlainPath_IsAccepted(string path)
    {
        Assert.True(RequestTargetRules.TryRead(Harness.Target(path), out IReadOnlyDictionary<string, string>? parameters, out _));
        Assert.Empty(parameters);
    }

    [Fact]
    public void Parameters_AreDecodedOnce()
    {
        RequestTarget target = Harness.Target("/keys?limit=10&marker=a%20b%2B&empty=&bare&n%61me=%C3%A9&x=a=b?c/d");

        Assert.True(RequestTargetRules.TryRead(target, out IReadOnlyDictionary<string, string>? parameters, out _));

        Dictionary<string, string> expected = new()
        {
            ["limit"] = "10",
            ["marker"] = "a b+",
            ["empty"] = "",
            ["bare"] = "",
            ["name"] = "é",
            ["x"] = "a=b?c/d",
        };
        Assert.Equal(expected, parameters);
    }

    private static void AssertRefused(string target, string reason)
    {
        Assert.False(RequestTargetRules.TryRead(Harness.Target(target), out _, out AuthFailure? failure));
        Assert.Equal((AuthErrorCode.InvalidURI, 400), (failure.Code, failure.Status));
        Assert.Contains(reason, failure.Message);
    }
}
