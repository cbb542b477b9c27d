using System.Text;
using KmsSidecar.Access.Users;
using KmsSidecar.Errors;
using KmsSidecar.Tests.Auth;
using KmsSidecar.Tests.Storage;
using Xunit;

namespace KmsSidecar.Tests.Access;

/// <summary>Users that an operator writes down.</summary>
public sealed class UsersFileTests : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly TempDirectory _directory = new();

    [Fact]
    public void UsersOfTheFile_MaySignAndCannotBeChangedElsewhere()
    {
        AccountSet file = UsersFile.Read(Write(
            """
            {"policies":{"reader":{"Statement":[{"Effect":"Allow","Action":"kms:ListKeys"}]}},
             "users":[{"access_key":"ann","secret_key":"ann-secret","policies":["reader","KMSAuditor"]},
                      {"access_key":"bob","secret_key":"bob-secret","status":"disabled"}]}
            """));
        using People people = new(_directory.FullPath, file: file);

        Harness.AssertAccepted(people.Ask("ann", "ann-secret"));
        Harness.AssertRefused(people.Ask("bob", "bob-secret"), "AccessDenied", 403);
        Assert.Equal(KmsError.NotChangeableHere, Assert.Throws<KmsException>(() => people.Change("ann", isEnabled: false)).Error);
        Assert.Equal(
            KmsError.NotChangeableHere, Assert.Throws<KmsException>(() => people.Administration.DeletePolicy("reader", "test", "here")).Error);
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherWrite)]
    public void FileThatIsOpenToOthers_IsRefusedWithTheMend(UnixFileMode open)
    {
        string path = Write("""{"users":[]}""");
        File.SetUnixFileMode(path, Private | open);

        KmsException refused = Assert.Throws<KmsException>(() => UsersFile.Read(path));

        Assert.Contains($"chmod 600 {path}", refused.Message, StringComparison.Ordinal);
        File.SetUnixFileMode(path, Private);
        Assert.Empty(UsersFile.Read(path).Users);
    }

    [Fact]
    public void MissingFile_IsNamed() => Assert.Contains(
        "/nowhere/users", Assert.Throws<KmsException>(() => UsersFile.Read("/nowhere/users")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"users":[{"access_key":"ann"}]}""", "'users[0]' has no 'secret_key'")]
    [InlineData("""{"users":[{"secret_key":"hush-hush"}]}""", "'users[0]' has no 'access_key'")]
    [InlineData("""{"users":[{"access_key":"a/b","secret_key":"hush-hush"}]}""", "'users[0].access_key' cannot be used")]
    [InlineData("""{"users":[{"access_key":"ann","secret_key":"hush-hush\u0001"}]}""", "'users[0].secret_key' cannot be used")]
    [InlineData("""{"users":[{"access_key":"ann","secret_key":"hush-hush","admin":true}]}""", "'users[0].admin' is unknown")]
    [InlineData("""{"users":[{"access_key":"ann","secret_key":"hush-hush","status":"on"}]}""", "'users[0].status' must be 'enabled' or 'disabled'")]
    [InlineData("""{"users":[{"access_key":"ann","secret_key":"hush-hush","policies":["x","x"]}]}""", "'users[0].policies' names a policy twice")]
    [InlineData("""{"users":[{"access_key":"ann","secret_key":"hush-hush","policies":["x"]}]}""", "has the policy 'x', which is not there")]
    [InlineData("""{"users":[{"access_key":"ann","secret_key":"hush-hush"},{"access_key":"ann","secret_key":"x"}]}""", "'ann' is there twice")]
    [InlineData("""{"policies":{"p":{"Statement":{"Effect":"Allow","Action":"kms:Nothing"}}}}""", "'policies.p' is not a policy: ")]
    [InlineData("""{"policies":{"p/q":{}}}""", "'policies.p/q' cannot be used")]
    [InlineData("""{"policies":{"KMSAuditor":{}}}""", "canned")]
    [InlineData("[]", "a JSON object is expected")]
    [InlineData("{", "line 1")]
    public void FaultyFile_IsRefusedWithThePlace(string json, string place)
    {
        KmsException refused = Assert.Throws<KmsException>(() => UsersFile.Parse(Encoding.UTF8.GetBytes(json)));

        Assert.Contains(place, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void UserNamedAsRoot_IsRefused()
    {
        AccountSet file = UsersFile.Parse("""{"users":[{"access_key":"rustfsadmin","secret_key":"x"}]}"""u8);

        Assert.Equal(KmsError.InvalidConfiguration, Assert.Throws<KmsException>(() => new People(_directory.FullPath, file: file)).Error);
    }

    [Fact]
    public void Replacement_ChangesTheFilesUsersOnly_OrNothing()
    {
        using People people = new(_directory.FullPath, file: UsersFile.Parse("""{"users":[{"access_key":"ann","secret_key":"old"}]}"""u8));
        people.Add("bob", "bob-secret");

        people.Administration.Replace(Harness.Root(), UsersFile.Parse("""{"users":[{"access_key":"carol","secret_key":"new"}]}"""u8));
        Harness.AssertRefused(people.Ask("ann", "old"), "InvalidAccessKeyId", 403);
        Harness.AssertAccepted(people.Ask("carol", "new"));
        Harness.AssertAccepted(people.Ask("bob", "bob-secret"));
        Assert.Throws<KmsException>(() =>
            people.Administration.Replace(Harness.Root(), UsersFile.Parse("""{"users":[{"access_key":"bob","secret_key":"x"}]}"""u8)));
        Harness.AssertAccepted(people.Ask("carol", "new"));
        Harness.AssertAccepted(people.Ask(Harness.AccessKey, Harness.SecretKey));
    }

    public void Dispose() => _directory.Dispose();

    private string Write(string json)
    {
        string path = _directory.PathOf("users.json");
        File.WriteAllText(path, json);
        File.SetUnixFileMode(path, Private);
        return path;
    }
}
