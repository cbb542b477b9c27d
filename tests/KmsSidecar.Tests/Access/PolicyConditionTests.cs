using KmsSidecar.Access;
using Xunit;
using static KmsSidecar.Tests.Access.PolicyCases;

namespace KmsSidecar.Tests.Access;

public sealed class PolicyConditionTests
{
    [Theory]
    [InlineData("192.0.2.0/24", "192.0.2.255", true)]
    [InlineData("192.0.2.0/24", "192.0.3.0", false)]
    [InlineData("192.0.2.7", "192.0.2.7", true)]
    [InlineData("192.0.2.7", "192.0.2.8", false)]
    [InlineData("192.0.2.0/24", "::ffff:192.0.2.1", true)]
    [InlineData("::ffff:192.0.2.0/120", "192.0.2.1", true)]
    [InlineData("0.0.0.0/0", "203.0.113.9", true)]
    [InlineData("0.0.0.0/0", "2001:db8::1", false)]
    [InlineData("::/0", "2001:db8::1", true)]
    [InlineData("2001:db8::/32", "2001:db8:ffff::1", true)]
    [InlineData("2001:db8::/33", "2001:db8:ffff::1", false)]
    [InlineData("2001:DB8:0:0:0:0:0:1", "2001:db8::1", true)]
    [InlineData("192.0.2.0/24", null, false)]
    public void Addresses(string network, string? source, bool isInside)
    {
        AccessRequest request = Request("kms:Decrypt", address: source);

        Assert.Equal(isInside, Applies("IpAddress", "aws:SourceIp", $"\"{network}\"", request));
        Assert.Equal(!isInside, Applies("NotIpAddress", "aws:SourceIp", $"\"{network}\"", request));
    }

    [Theory]
    [InlineData("010.0.0.1")]
    [InlineData("1")]
    [InlineData("0x7f.0.0.1")]
    [InlineData("[2001:db8::1]")]
    [InlineData("fe80::1%1")]
    [InlineData("192.0.2.0/33")]
    [InlineData("192.0.2.0/-1")]
    [InlineData("192.0.2.0/")]
    [InlineData("192.0.2.0/ 24")]
    [InlineData("/24")]
    [InlineData("localhost")]
    [InlineData("")]
    public void UnusualAddresses_AreRefused(string text) => Assert.Throws<Errors.KmsException>(
        () => Applies("IpAddress", "aws:SourceIp", $"\"{text}\"", Request("kms:Decrypt")));

    [Theory]
    [InlineData("2026-01-31T12:00:00Z", 0)]
    [InlineData("2026-01-31T13:00:00+01:00", 0)]
    [InlineData("2026-01-31T11:59:59.999Z", 1)]
    [InlineData("2026-02-01", -1)]
    [InlineData("2026-01-31", 1)]
    public void Times(string then, int noonIsAfter)
    {
        Assert.Equal(noonIsAfter < 0, Applies("DateLessThan", "aws:CurrentTime", $"\"{then}\"", Request("kms:Decrypt")));
        Assert.Equal(noonIsAfter <= 0, Applies("DateLessThanEquals", "aws:CurrentTime", $"\"{then}\"", Request("kms:Decrypt")));
        Assert.Equal(noonIsAfter > 0, Applies("DateGreaterThan", "aws:CurrentTime", $"\"{then}\"", Request("kms:Decrypt")));
        Assert.Equal(noonIsAfter >= 0, Applies("DateGreaterThanEquals", "aws:CurrentTime", $"\"{then}\"", Request("kms:Decrypt")));
    }

    [Theory]
    [InlineData("StringEquals", "\"alice\"", true)]
    [InlineData("StringEquals", "\"ALICE\"", false)]
    [InlineData("StringEquals", "\"al*\"", false)]
    [InlineData("StringEquals", "[\"bob\",\"alice\"]", true)]
    [InlineData("StringNotEquals", "[\"bob\",\"alice\"]", false)]
    [InlineData("StringNotEquals", "[\"bob\",\"carol\"]", true)]
    [InlineData("StringEqualsIgnoreCase", "\"ALICE\"", true)]
    [InlineData("StringNotEqualsIgnoreCase", "\"ALICE\"", false)]
    [InlineData("StringLike", "\"a?ic*\"", true)]
    [InlineData("StringLike", "\"A*\"", false)]
    [InlineData("StringNotLike", "\"a*\"", false)]
    public void Names(string comparison, string values, bool applies) =>
        Assert.Equal(applies, Applies(comparison, "aws:username", values, Request("kms:Decrypt")));

    [Theory]
    [InlineData("true")]
    [InlineData("\"true\"")]
    public void Transports(string value)
    {
        Assert.False(Applies("Bool", "aws:SecureTransport", value, Request("kms:Decrypt")));
        Assert.True(Applies("Bool", "aws:SecureTransport", value, Request("kms:Decrypt") with { IsSecure = true }));
    }

    [Fact]
    public void AllConditions_MustHold()
    {
        NamedPolicy policy = Policy(
            """
            {"Effect":"Allow","Action":"kms:*","Condition":{
              "IpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8::/32"]},"StringEquals":{"aws:username":"alice"}}}
            """);

        Assert.True(Judge(Request("kms:Decrypt"), policy).IsAllowed);
        Assert.True(Judge(Request("kms:Decrypt", address: "2001:db8::1"), policy).IsAllowed);
        Assert.False(Judge(Request("kms:Decrypt", user: "bob"), policy).IsAllowed);
        Assert.False(Judge(Request("kms:Decrypt", address: "203.0.113.1"), policy).IsAllowed);
    }

    private static bool Applies(string comparison, string key, string values, AccessRequest request) => Judge(
        request, Policy($$$"""{"Effect":"Allow","Action":"kms:*","Condition":{"{{{comparison}}}":{"{{{key}}}":{{{values}}} } } }""")).IsAllowed;
}
