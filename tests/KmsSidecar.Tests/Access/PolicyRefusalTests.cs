using KmsSidecar.Errors;
using Xunit;
using static KmsSidecar.Tests.Access.PolicyCases;

namespace KmsSidecar.Tests.Access;

/// <summary>What a policy may not say; every refusal names the place.</summary>
public sealed class PolicyRefusalTests
{
    [Theory]
    [Trait("Case", "76")]
    [InlineData("""{"Effect":"Allow","Action":"kms:Gen*"}""", "member 'Statement[1].Action' is a partial wildcard; name each action, or kms:* for all")]
    [InlineData("""{"Effect":"Allow","Action":["kms:Decrypt","kms:Descrbe"]}""", "member 'Statement[1].Action[1]' is not an action that is known here")]
    [InlineData("""{"Effect":"Allow","Action":"kms:decrypt"}""", "member 'Statement[1].Action' is not an action that is known here")]
    [InlineData("""{"Effect":"Allow","Action":"admin:KMSCreateKey"}""", "member 'Statement[1].Action' is not an action that is known here")]
    [InlineData("""{"Effect":"Allow","Action":["s3:*","kms:Decrypt"]}""", "member 'Statement[1]' mixes actions of two families, s3:* and kms:Decrypt; write two statements")]
    [InlineData("""{"Effect":"Allow","Action":["kms:*","*"]}""", "member 'Statement[1]' mixes actions of two families, kms:* and *; write two statements")]
    [InlineData(
        """{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:kms:::key/a"}""",
        "member 'Statement[1]' has resource arn:aws:kms:::key/a, which is nothing that s3:* is done to")]
    [InlineData(
        """{"Effect":"Allow","Action":"admin:*","Resource":"arn:aws:kms:::*"}""",
        "member 'Statement[1]' has resource arn:aws:kms:::*, which is nothing that admin:* is done to")]
    [InlineData(
        """{"Effect":"Allow","Action":"kms:*","Resource":"arn:aws:s3:::bucket/*"}""",
        "member 'Statement[1]' has resource arn:aws:s3:::bucket/*, which is nothing that kms:* is done to")]
    [InlineData(
        """{"Effect":"Allow","Action":"kms:*","Resource":"arn:aws:kms:::key/a/b"}""",
        "member 'Statement[1].Resource' does not end in a name of A-Z a-z 0-9 . _ - and the wildcards * ?")]
    [InlineData(
        """{"Effect":"Allow","Action":"kms:*","Resource":["*","arn:aws:kms:::key/"]}""",
        "member 'Statement[1].Resource[1]' does not end in a name of A-Z a-z 0-9 . _ - and the wildcards * ?")]
    [InlineData(
        """{"Effect":"Allow","Action":"kms:*","Resource":"arn:aws:kms:::key/${aws:username}"}""",
        "member 'Statement[1].Resource' does not end in a name of A-Z a-z 0-9 . _ - and the wildcards * ?")]
    [InlineData(
        """{"Effect":"Allow","Action":"kms:*","Resource":"arn:aws:kms:us-east-1:1:key/a"}""",
        "member 'Statement[1].Resource' is not arn:aws:kms:::key/ID, arn:aws:kms:::* or *")]
    [InlineData("""{"Effect":"Allow","Action":"kms:*","Resource":"a"}""", "member 'Statement[1].Resource' is not arn:aws:kms:::key/ID, arn:aws:kms:::* or *")]
    [InlineData("""{"Effect":"Allow","Action":"kms:*","Resource":[]}""", "member 'Statement[1].Resource' is empty")]
    [InlineData("""{"Effect":"Allow","Action":"kms:*","Resource":"*","NotResource":"*"}""", "member 'Statement[1]' has both 'Resource' and 'NotResource'")]
    [InlineData("""{"Effect":"Allow","Action":"kms:*","NotResource":"*"}""", "member 'Statement[1]' excepts every resource, so it can never apply")]
    [InlineData("""{"Effect":"Allow","Action":[]}""", "member 'Statement[1].Action' is empty")]
    [InlineData("""{"Effect":"Allow","Action":7}""", "member 'Statement[1].Action' must be a string, not a number")]
    [InlineData("""{"Effect":"Allow","Action":"kms:*","NotAction":"kms:*"}""", "member 'Statement[1]' has both 'Action' and 'NotAction'")]
    [InlineData("""{"Effect":"Deny","NotAction":"s3:*"}""", "member 'Statement[1]' excepts s3:*; 'NotAction' takes kms actions only")]
    [InlineData("""{"Effect":"Allow"}""", "member 'Statement[1]' has neither 'Action' nor 'NotAction'")]
    [InlineData("""{"Action":"kms:*"}""", "member 'Statement[1]' has no 'Effect'")]
    [InlineData("""{"Effect":"allow","Action":"kms:*"}""", "member 'Statement[1].Effect' is not \"Allow\" or \"Deny\"")]
    [InlineData("""{"Effect":"Allow","Effect":"Deny","Action":"kms:*"}""", "member 'Statement[1].Effect' is given twice")]
    [InlineData("""{"Effect":"Allow","Action":"kms:*","Principal":"*"}""", "member 'Statement[1].Principal' is unknown")]
    [InlineData("""{"Sid":"\u001b[31m","Effect":"Allow","Action":"kms:*"}""", "member 'Statement[1].Sid' holds a control character")]
    [InlineData("""[]""", "member 'Statement[1]' must be an object, not an array")]
    [InlineData("""null""", "member 'Statement[1]' must be an object, not null")]
    public void Statement_IsRefusedWithItsPlace(string statement, string message) =>
        Assert.Equal(message, Refusal($$"""{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:ListKeys"},{{statement}}]}"""));

    [Theory]
    [InlineData("""{"StringEquals":{"aws:userid":"x"}}""", ".StringEquals.aws:userid' is not what StringEquals is for here, which is aws:username")]
    [InlineData("""{"StringEquals":{"aws:SourceIp":"x"}}""", ".StringEquals.aws:SourceIp' is not what StringEquals is for here, which is aws:username")]
    [InlineData("""{"StringEqualsIfExists":{"aws:username":"x"}}""", ".StringEqualsIfExists' is not an operator that is known here")]
    [InlineData("""{"ForAllValues:StringLike":{"aws:username":"x"}}""", ".ForAllValues:StringLike' is not an operator that is known here")]
    [InlineData("""{"ipaddress":{"aws:SourceIp":"192.0.2.1"}}""", ".ipaddress' is not an operator that is known here")]
    [InlineData("""{"IpAddress":{}}""", ".IpAddress' is empty")]
    [InlineData("""{"IpAddress":{"aws:SourceIp":[]}}""", ".IpAddress.aws:SourceIp' is empty")]
    [InlineData("""{"IpAddress":"192.0.2.1"}""", ".IpAddress' must be an object, not a string")]
    [InlineData(
        """{"IpAddress":{"aws:SourceIp":["192.0.2.1","192.0.2"]}}""",
        ".IpAddress.aws:SourceIp[1]' is not an address or a network such as 192.0.2.0/24 or 2001:db8::/32")]
    [InlineData("""{"NotIpAddress":{"aws:SourceIp":"192.0.2.1/24"}}""", ".NotIpAddress.aws:SourceIp' has bits set behind its prefix length")]
    [InlineData(
        """{"DateLessThan":{"aws:CurrentTime":"31.1.2026"}}""", ".DateLessThan.aws:CurrentTime' is not a time such as 2026-01-31T12:00:00Z")]
    [InlineData("""{"Bool":{"aws:SecureTransport":"yes"}}""", ".Bool.aws:SecureTransport' is not true or false")]
    [InlineData(
        """{"StringNotEquals":{"aws:username":"${aws:username}"}}""",
        ".StringNotEquals.aws:username' holds ${, but there are no policy variables here")]
    public void Condition_IsRefusedWithItsPlace(string condition, string message) => Assert.Equal(
        $"member 'Statement.Condition{message}", Refusal($$$"""{"Statement":{"Effect":"Deny","Action":"kms:*","Condition":{{{condition}}}}}"""));

    [Theory]
    [Trait("Case", "76")]
    [InlineData("""{"Version":"2008-10-17","Statement":[]}""", "member 'Version' is not \"2012-10-17\"")]
    [InlineData("""{"Statement":{"Effect":"Allow","Action":"kms:*"},"Colour":1}""", "member 'Colour' is unknown")]
    [InlineData("""{"ID":"a","Id":"b"}""", "member 'Id' is given in both spellings")]
    [InlineData("""{"Version":"2012-10-17"}""", "member 'Statement' is missing")]
    [InlineData("""{"Statement":[]}""", "member 'Statement' is empty")]
    [InlineData("""{"Statement":"x"}""", "member 'Statement' must be an object, not a string")]
    [InlineData("[]", "a JSON object is expected, not an array")]
    [InlineData("", "malformed JSON at line 1, column 1")]
    public void Document_IsRefusedWithItsPlace(string json, string message) => Assert.Equal(message, Refusal(json));

    [Fact]
    public void Nesting_IsRefusedUnread() => Assert.Equal("the policy is longer than 16384 bytes", Refusal(new string('[', 1024 * 1024)));

    [Theory]
    [InlineData("""{"Statement":""", "member 'Statement[0]' must be an object, not an array")]
    [InlineData("""{"Statement":{"Action":""", "member 'Statement.Action[0]' must be a string, not an array")]
    [InlineData(
        """{"Statement":{"Condition":{"IpAddress":{"aws:SourceIp":""",
        "member 'Statement.Condition.IpAddress.aws:SourceIp[0]' must be a string, not an array")]
    public void NestingWithinTheLength_IsRefusedAtItsPlace(string start, string message) =>
        Assert.Equal(message, Refusal(start + new string('[', 16_000)));

    [Fact]
    public void Numbers_AreBounded()
    {
        Assert.Equal("member 'Statement' has more than 64 items", Refusal($$"""{"Statement":[{{Many(65, """{"Effect":"Deny","Action":"kms:*"}""")}}]}"""));
        Assert.Equal("member 'Statement.Action' has more than 32 items", Refusal(One($"\"Action\":[{Many(33, "\"kms:*\"")}]")));
        Assert.Equal("member 'Statement.Resource' has more than 128 items", Refusal(One($"\"Action\":\"kms:*\",\"Resource\":[{Many(129, "\"*\"")}]")));
        Assert.Equal(
            "member 'Statement.Condition.StringLike.aws:username' has more than 64 items",
            Refusal(One($"\"Action\":\"kms:*\",\"Condition\":{{\"StringLike\":{{\"aws:username\":[{Many(65, "\"x\"")}]}}}}")));

        static string One(string members) => $$$"""{"Statement":{"Effect":"Allow",{{{members}}}}}""";
        static string Many(int count, string item) => string.Join(',', Enumerable.Repeat(item, count));
    }

    private static string Refusal(string json)
    {
        KmsException refused = Assert.Throws<KmsException>(() => Parse(json));
        Assert.Equal(KmsError.MalformedRequest, refused.Error);
        return refused.Message;
    }
}
