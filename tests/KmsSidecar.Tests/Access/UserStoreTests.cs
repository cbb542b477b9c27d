using System.Text;
using KmsSidecar.Access;
using KmsSidecar.Access.Policies;
using KmsSidecar.Auth;
using KmsSidecar.Errors;
using KmsSidecar.Tests.Auth;
using KmsSidecar.Tests.Lifecycle;
using KmsSidecar.Tests.Storage;
using Xunit;

namespace KmsSidecar.Tests.Access;

/// <summary>Users that were made through the API: kept, changed, damaged, and cut short.</summary>
public sealed class UserStoreTests : IDisposable
{
    private static readonly NamedPolicy Reader =
        new("reader", PolicyDocument.Parse("""{"Statement":{"Effect":"Allow","Action":"kms:ListKeys"}}"""u8));

    private readonly TempDirectory _directory = new();

    [Fact]
    public void UsersAndPolicies_OutlastARestart()
    {
        using (People people = new(_directory.FullPath))
        {
            people.Administration.PutPolicy(Reader, "test", "here");
            people.Add("ann", "ann-secret \"\\é", true, "reader", "KMSAuditor");
            people.Add("bob", "bob-secret");
            people.Change("bob", secret: "bob-secret-2", isEnabled: false);
            people.Add("eve", "eve-secret");
            people.Administration.DeleteUser("eve", "test", "here");
        }

        using People again = new(_directory.FullPath);
        Assert.Equal(["ann", "bob"], again.Accounts.Set.Users.Keys.Order());
        Harness.AssertAccepted(again.Ask("ann", "ann-secret \"\\é"));
        Harness.AssertRefused(again.Ask("bob", "bob-secret-2"), "AccessDenied", 403);
        Assert.Equal(["reader", "KMSAuditor"], again.Accounts.GrantsOf(again.Accounts.Set.Users["ann"].Principal).Policies.Select(static policy => policy.Name));
    }

    [Fact]
    public void Files_HoldNoSecretInTheClear()
    {
        using People people = new(_directory.FullPath);
        people.Add("ann", "ann-secret-in-the-clear");

        foreach (string file in Directory.GetFiles(_directory.FullPath))
        {
            Assert.DoesNotContain("ann-secret-in-the-clear", Encoding.Latin1.GetString(File.ReadAllBytes(file)), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void DamagedUser_TakesOnlyItselfOut_AndIsNamed()
    {
        using (People people = new(_directory.FullPath))
        {
            people.Add("ann", "ann-secret");
            people.Add("bob", "bob-secret");
        }

        byte[] file = File.ReadAllBytes(_directory.PathOf("user-ann"));
        file[^1] ^= 1;
        File.WriteAllBytes(_directory.PathOf("user-ann"), file);
        File.Copy(_directory.PathOf("user-bob"), _directory.PathOf("user-carol"));
        using CapturedLog log = new();
        using People again = new(_directory.FullPath, log: log);

        Harness.AssertRefused(again.Ask("ann", "ann-secret"), "InvalidAccessKeyId", 403);
        Harness.AssertAccepted(again.Ask("bob", "bob-secret"));
        Assert.Contains(_directory.PathOf("user-ann"), log.Text, StringComparison.Ordinal);
        Assert.Contains(_directory.PathOf("user-carol"), log.Text, StringComparison.Ordinal);
        Assert.Equal(["bob"], again.Accounts.Set.Users.Keys);
    }

    [Fact]
    public void UserWhosePolicyIsDamaged_MayDoNothing()
    {
        using (People people = new(_directory.FullPath))
        {
            people.Administration.PutPolicy(Reader, "test", "here");
            people.Add("ann", "ann-secret", true, "reader", "KMSAuditor");
        }

        File.WriteAllText(_directory.PathOf("policy-reader"), "junk");
        using CapturedLog log = new();
        using People again = new(_directory.FullPath, log: log);

        Assert.Same(Grants.None, again.Accounts.GrantsOf(again.Accounts.Set.Users["ann"].Principal));
        Assert.Contains("its policy reader is missing", log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void CrashAnywhere_LeavesTheOldUserOrTheNew()
    {
        int crashes = Crashes.Every(
            static path =>
            {
                using People people = new(path);
                people.Add("ann", "old");
                people.Add("bob", "kept");
            },
            static (path, steps) =>
            {
                using People people = new(path, steps);
                people.Change("ann", secret: "new");
            },
            static (path, where) =>
            {
                using People people = new(path);
                bool isOld = people.Ask("ann", "old").Caller is not null;
                Assert.True(isOld != people.Ask("ann", "new").Caller is not null, where);
                Harness.AssertAccepted(people.Ask("bob", "kept"));
                people.Change("ann", secret: "newer");
                Harness.AssertAccepted(people.Ask("ann", "newer"));
            });

        Assert.InRange(crashes, 10, 1000);
    }

    [Fact]
    public void FailedWrite_ChangesNothing()
    {
        using (People people = new(_directory.FullPath))
        {
            people.Add("ann", "old");
        }

        using People full = new(_directory.FullPath, new FillingDisk { IsFull = true });
        Assert.Equal(KmsError.StorageFailed, Assert.Throws<KmsException>(() => full.Change("ann", secret: "new")).Error);
        Assert.Equal(KmsError.StorageFailed, Assert.Throws<KmsException>(() => full.Add("bob", "bob")).Error);
        Harness.AssertAccepted(full.Ask("ann", "old"));
        Harness.AssertRefused(full.Ask("bob", "bob"), "InvalidAccessKeyId", 403);
    }

    [Fact]
    public void NamesAndPolicies_AreChecked()
    {
        using People people = new(_directory.FullPath);
        people.Administration.PutPolicy(Reader, "test", "here");
        people.Add("ann", "ann-secret", true, "reader");

        AssertRefused(KmsError.UserExists, () => people.Add("ann", "other"));
        AssertRefused(KmsError.UserExists, () => people.Add(Harness.AccessKey, "other"));
        AssertRefused(KmsError.UserExists, () => people.Add("ASIAABCDEFGHIJKLMNOP", "other"));
        AssertRefused(KmsError.PolicyNotFound, () => people.Add("bob", "other", true, "nothing"));
        AssertRefused(KmsError.PolicyNotFound, () => people.Change("ann", policies: ["nothing"]));
        AssertRefused(KmsError.UserNotFound, () => people.Change("bob", isEnabled: false));
        AssertRefused(KmsError.PolicyInUse, () => people.Administration.DeletePolicy("reader", "test", "here"));
        AssertRefused(KmsError.NotChangeableHere, () => people.Administration.DeletePolicy("KMSAuditor", "test", "here"));
        AssertRefused(KmsError.NotChangeableHere, () => people.Administration.PutPolicy(Reader with { Name = "KMSAuditor" }, "test", "here"));
        AssertRefused(KmsError.MalformedRequest, () => people.Administration.PutPolicy(Reader with { Name = ".x" }, "test", "here"));
        people.Change("ann", policies: []);
        people.Administration.DeletePolicy("reader", "test", "here");
        Harness.AssertAccepted(people.Ask("ann", "ann-secret"));
    }

    [Fact]
    public void DisabledUser_IsToldOnlyWithTheRightSecret()
    {
        using People people = new(_directory.FullPath);
        people.Add("ann", "ann-secret", isEnabled: false);

        Verdict right = people.Ask("ann", "ann-secret");
        Harness.AssertRefused(right, "AccessDenied", 403);
        Assert.Contains("disabled", right.Failure!.Message, StringComparison.Ordinal);
        Harness.AssertRefused(people.Ask("ann", "wrong"), "SignatureDoesNotMatch", 403);
    }

    [Fact]
    public void ReplacedSecret_IsWiped()
    {
        using People people = new(_directory.FullPath);
        SecretKey former = people.Add("ann", "ann-secret").Secret;
        Span<byte> secret = stackalloc byte[SigningKey.MaxSecretBytes];
        people.Change("ann", isEnabled: true);
        Assert.Equal(10, former.CopyTo(secret));
        people.Change("ann", secret: "another");

        Assert.Equal(0, former.CopyTo(secret));
    }

    public void Dispose() => _directory.Dispose();

    private static void AssertRefused(KmsError error, Action change) => Assert.Equal(error, Assert.Throws<KmsException>(change).Error);
}
