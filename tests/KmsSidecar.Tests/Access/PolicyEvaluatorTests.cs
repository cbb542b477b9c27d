using KmsSidecar.Access;
using KmsSidecar.Access.Policies;
using Xunit;
using static KmsSidecar.Tests.Access.PolicyCases;

namespace KmsSidecar.Tests.Access;

/// <summary>Who may do what. Case numbers are those of the list of authentication and authorisation cases.</summary>
public sealed class PolicyEvaluatorTests
{
    [Fact]
    [Trait("Case", "67")]
    public void AnAllowWithoutResource_Allows() =>
        Assert.Equal(new Decision(DecisionReason.Allowed, "test", 0), Judge(Request("kms:ServiceControl"), Policy(Allow("kms:ServiceControl"))));

    [Fact]
    [Trait("Case", "68")]
    public void NoPolicy_AllowsNothing() => Assert.Equal(Decision.NothingAllows, Judge(Request("kms:ServiceControl")));

    [Theory]
    [Trait("Case", "69")]
    [InlineData("*")]
    [InlineData("s3:*")]
    [InlineData("sts:AssumeRole")]
    [InlineData("admin:*")]
    public void OtherFamilies_GrantNoKmsAction(string action) => Assert.All(
        KmsActions, asked => Assert.Equal(Decision.NothingAllows, Judge(Request(asked, "k"), Policy(Allow(action)))));

    [Fact]
    [Trait("Case", "70")]
    public void AnAllowOnOneKey_IsForThatKeyAndThatAction()
    {
        NamedPolicy policy = Policy(Allow("kms:DisableKey", "key/key-a"));

        Assert.True(Judge(Request("kms:DisableKey", "key-a"), policy).IsAllowed);
        Assert.False(Judge(Request("kms:DisableKey", "key-b"), policy).IsAllowed);
        Assert.False(Judge(Request("kms:RotateKey", "key-a"), policy).IsAllowed);
    }

    [Fact]
    [Trait("Case", "71")]
    public void ADenyOnOneKey_LeavesTheOthers()
    {
        NamedPolicy policy = Policy(Allow("kms:*", "*"), Deny("kms:*", "key/other"));

        Assert.Equal(new Decision(DecisionReason.Denied, "test", 1), Judge(Request("kms:Decrypt", "other"), policy));
        Assert.True(Judge(Request("kms:Decrypt", "third"), policy).IsAllowed);
    }

    [Fact]
    public void ARequestAboutNoKey_IsCoveredByStatementsOnSomeKeys()
    {
        Assert.True(Judge(Request("kms:ListKeys"), Policy(Allow("kms:ListKeys", "key/a"))).IsAllowed);
        Assert.Equal(DecisionReason.Denied, Judge(Request("kms:ListKeys"), Policy(Allow("kms:*"), Deny("kms:*", "key/a"))).Reason);
    }

    [Theory]
    [Trait("Case", "74")]
    [InlineData(LegacyServerInfo.Full, true, true)]
    [InlineData(LegacyServerInfo.ReadOnly, true, false)]
    [InlineData(LegacyServerInfo.Off, false, false)]
    internal void ServerInfo_GrantsByMode(LegacyServerInfo mode, bool reads, bool changes)
    {
        foreach (string granted in (string[])["admin:ServerInfo", "admin:*"])
        {
            Grants grants = new() { Policies = [Policy(Allow(granted))] };

            Assert.Equal(reads, PolicyEvaluator.Evaluate(grants, Request("kms:ServiceControl", isRead: true), mode).IsAllowed);
            Assert.Equal(changes, PolicyEvaluator.Evaluate(grants, Request("kms:Configure"), mode).IsAllowed);
            Assert.Equal(changes, PolicyEvaluator.Evaluate(grants, Request("kms:DeleteKey", "k"), mode).IsAllowed);
            Assert.All(
                PolicyActions.UseKeys, use => Assert.False(PolicyEvaluator.Evaluate(grants, Request(use, "k", isRead: true), mode).IsAllowed));
            Assert.False(PolicyEvaluator.Evaluate(grants, Request("sts:AssumeRole"), mode).IsAllowed);
        }
    }

    [Fact]
    public void ServerInfo_IsDeniedLikeAnyAction()
    {
        Grants grants = new() { Policies = [Policy(Allow("admin:*"), Deny("admin:ServerInfo"), Allow("kms:ListKeys"))] };

        Decision refused = PolicyEvaluator.Evaluate(grants, Request("kms:Configure"), LegacyServerInfo.Full);
        Assert.Equal(new Decision(DecisionReason.Denied, "test", 1, Sid: null, IsLegacy: true), refused);
        Assert.True(PolicyEvaluator.Evaluate(grants, Request("kms:ListKeys"), LegacyServerInfo.Full).IsAllowed);
    }

    [Fact]
    public void ADenyOnAKey_HoldsAgainstServerInfo()
    {
        Grants grants = new() { Policies = [Policy(Allow("admin:ServerInfo"), Deny("kms:*", "key/payroll-*"))] };

        Assert.Equal(DecisionReason.Denied, PolicyEvaluator.Evaluate(grants, Request("kms:DeleteKey", "payroll-1"), LegacyServerInfo.Full).Reason);
        Assert.True(PolicyEvaluator.Evaluate(grants, Request("kms:DeleteKey", "app-1"), LegacyServerInfo.Full).IsAllowed);
    }

    [Theory]
    [Trait("Case", "75")]
    [InlineData("KMSKeyAdministrator", "DescribeKey ListKeys EnableKey DisableKey RotateKey DeleteKey")]
    [InlineData("KMSKeyUser", "GenerateDataKey Decrypt DescribeKey")]
    [InlineData("KMSAuditor", "DescribeKey ListKeys")]
    public void CannedPolicies_AllowWhatTheyDoInRustFS(string name, string allowed) => Assert.Equal(
        allowed.Split(' ').Select(static action => $"kms:{action}").Order(),
        KmsActions.Where(action => Judge(Request(action, "k"), CannedPolicies.Find(name)!).IsAllowed).Order());

    [Fact]
    public void ConsoleAdmin_MayDoEverything() =>
        Assert.All(KmsActions, action => Assert.True(Judge(Request(action), CannedPolicies.Find("consoleAdmin")!).IsAllowed));

    [Fact]
    [Trait("Case", "77")]
    public void TheOwner_MayDoEverything_DespiteADeny()
    {
        Grants root = new() { IsOwner = true, Policies = [Policy(Deny("kms:*"))] };

        Assert.All(KmsActions, action => Assert.True(PolicyEvaluator.Evaluate(root, Request(action, "k"), LegacyServerInfo.Off).IsAllowed));
    }

    [Fact]
    public void ASessionPolicy_TakesAwayAndGivesNothing()
    {
        PolicyDocument session = Policy(Allow("kms:DescribeKey kms:RotateKey", "key/a")).Document;
        Grants user = new() { Policies = [Policy(Allow("kms:DescribeKey kms:DeleteKey"))], SessionPolicy = session };

        Assert.True(Evaluate(user, "kms:DescribeKey", "a").IsAllowed);
        Assert.Equal(new Decision(DecisionReason.NothingAllows, Decision.SessionPolicyName), Evaluate(user, "kms:DescribeKey", "b"));
        Assert.False(Evaluate(user, "kms:DeleteKey", "a").IsAllowed);
        Assert.Equal(Decision.NothingAllows, Evaluate(user, "kms:RotateKey", "a"));

        Grants root = Grants.Owner with { SessionPolicy = session };
        Assert.True(Evaluate(root, "kms:RotateKey", "a").IsAllowed);
        Assert.False(Evaluate(root, "kms:Configure", keyId: null).IsAllowed);

        static Decision Evaluate(Grants grants, string action, string? keyId) =>
            PolicyEvaluator.Evaluate(grants, Request(action, keyId), LegacyServerInfo.Off);
    }

    [Theory]
    [InlineData("kms:Backup")]
    [InlineData("kms:Restore")]
    public void WhatConcernsAllKeys_IsNotGrantedForSome(string action)
    {
        Assert.False(Judge(Request(action), Policy(Allow("kms:*", "arn:aws:kms:::*"))).IsAllowed);
        Assert.True(Judge(Request(action), Policy(Allow("kms:*"))).IsAllowed);
        Assert.Equal(DecisionReason.Denied, Judge(Request(action), Policy(Allow("kms:*"), Deny("kms:*", "key/a"))).Reason);
    }

    [Fact]
    public void NotAction_ErrsToTheSideOfRefusing()
    {
        NamedPolicy allow = Policy("""{"Effect":"Allow","NotAction":["kms:Decrypt","kms:DeleteKey"]}""");
        Assert.True(Judge(Request("kms:Configure"), allow).IsAllowed);
        Assert.False(Judge(Request("kms:Decrypt", "k"), allow).IsAllowed);
        Assert.False(Judge(Request("sts:AssumeRole"), allow).IsAllowed);

        NamedPolicy deny = Policy("""{"Effect":"Deny","NotAction":"kms:Decrypt"}""");
        Assert.Equal(DecisionReason.NothingAllows, Judge(Request("kms:Decrypt", "k"), deny).Reason);
        Assert.Equal(DecisionReason.Denied, Judge(Request("sts:AssumeRole"), deny).Reason);
    }

    [Fact]
    public void NotResource_IsEveryOtherKey()
    {
        NamedPolicy policy = Policy("""{"Effect":"Allow","Action":"kms:Decrypt","NotResource":["arn:aws:kms:::key/payroll-*","arn:aws:kms:::key/ceo"]}""");

        Assert.True(Judge(Request("kms:Decrypt", "app"), policy).IsAllowed);
        Assert.False(Judge(Request("kms:Decrypt", "payroll-7"), policy).IsAllowed);
        Assert.False(Judge(Request("kms:Decrypt", "ceo"), policy).IsAllowed);
    }

    [Fact]
    public void AnAlias_MatchesNoKey() =>
        Assert.False(Judge(Request("kms:Decrypt", "app"), Policy(Allow("kms:*", "arn:aws:kms:::alias/app"))).IsAllowed);

    [Theory]
    [InlineData(DecisionReason.Allowed, "kms:Decrypt on key 'a' is allowed by Statement[0] ('mine') of policy 'test'")]
    [InlineData(DecisionReason.Denied, "kms:Decrypt on key 'b' is denied by Statement[1] of policy 'test'")]
    [InlineData(DecisionReason.NothingAllows, "kms:Decrypt on key 'c' is not allowed: no statement of the policies of 'alice' allows it")]
    internal void ADecision_ExplainsItself(DecisionReason reason, string sentence)
    {
        NamedPolicy policy = Policy(
            """{"Sid":"mine","Effect":"Allow","Action":"kms:*","Resource":["arn:aws:kms:::key/a","arn:aws:kms:::key/b"]}""", Deny("kms:Decrypt", "key/b"));
        AccessRequest request = Request("kms:Decrypt", reason switch { DecisionReason.Allowed => "a", DecisionReason.Denied => "b", _ => "c" });

        Assert.Equal(sentence, Judge(request, policy).Explain(request));
    }

    private static readonly string[] KmsActions =
    [
        "kms:Configure", "kms:ServiceControl", "kms:ClearCache", "kms:GenerateDataKey", "kms:DeleteKey", "kms:EnableKey", "kms:DisableKey",
        "kms:RotateKey", "kms:UpdateKeyDescription", "kms:TagResource", "kms:UntagResource", "kms:ListKeys", "kms:DescribeKey", "kms:Decrypt",
        "kms:Encrypt", "kms:Backup", "kms:Restore",
    ];
}
