using System.Text;
using KmsSidecar.Auth;
using Xunit;

namespace KmsSidecar.Tests.Auth;

public sealed class CredentialsFileTests
{
    [Theory]
    [InlineData("RUSTFS_ACCESS_KEY=admin\nRUSTFS_SECRET_KEY=hush-hush\n")]
    [InlineData("RUSTFS_SECRET_KEY=hush-hush\nRUSTFS_ACCESS_KEY=admin")]
    [InlineData("# comment\n; comment\n\n  RUSTFS_ACCESS_KEY = \"admin\"  \r\n\tRUSTFS_SECRET_KEY='hush-hush'\r\n")]
    [InlineData("access_key=admin\nsecret_key=hush-hush\n")]
    [InlineData("[default]\naws_access_key_id = admin\naws_secret_access_key = hush-hush\nregion = us-east-1\n")]
    [InlineData("RUSTFS_VOLUMES=\"/data{1...4}\"\nRUSTFS_ACCESS_KEY=admin\nRUSTFS_SECRET_KEY=hush-hush\nRUSTFS_OPTS=\n")]
    public void Pair_IsReadFromEitherSpelling(string content) => Assert.Equal("hush-hush", Secret(content));

    [Theory]
    [InlineData("a=b=", "a=b=")]
    [InlineData("a#b;c", "a#b;c")]
    [InlineData("a b", "a b")]
    [InlineData("' a '", " a ")]
    [InlineData("'a\\b\"c'", "a\\b\"c")]
    [InlineData("\"a'b\"", "a'b")]
    [InlineData("clé", "clé")]
    [InlineData("a\"b", "a\"b")]
    public void SecretsCharacters_AreKept(string written, string secret) =>
        Assert.Equal(secret, Secret($"access_key=admin\nsecret_key={written}\n"));

    [Theory]
    [InlineData("access_key=admin\nhush-hush\nsecret_key=hush-hush", "line 2: neither")]
    [InlineData("access_key=admin\nsecret_key='hush-hush", "line 2: a quote")]
    [InlineData("access_key=admin\nsecret_key='hush'-hush", "line 2: a quote")]
    [InlineData("access_key=admin\nsecret_key='hush'hush'", "line 2: a quote")]
    [InlineData("access_key=admin\nsecret_key='", "line 2: a quote")]
    [InlineData("access_key=admin\nsecret_key=hush\\hush", "line 2: a backslash")]
    [InlineData("access_key=admin\nsecret_key=\"hush\\hush\"", "line 2: a backslash")]
    [InlineData("access_key=admin\n\nsecret_key=", "line 3: the secret key is not 1 to 256")]
    [InlineData("access_key=hush/hush\nsecret_key=x", "line 1: the access key")]
    [InlineData("access_key=admin\nsecret_key=hush\nRUSTFS_SECRET_KEY=hush", "line 3: the secret key is set a second time")]
    [InlineData("access_key=admin\nRUSTFS_ACCESS_KEY=hush\nsecret_key=hush", "line 2: the access key is set a second time")]
    [InlineData("[a]\naccess_key=admin\nsecret_key=hush\n[b]\n", "line 4: a second [section]")]
    [InlineData("access_key=admin\n", "there is no RUSTFS_SECRET_KEY=")]
    [InlineData("access_key=admin\nSECRET_KEY=hush", "there is no RUSTFS_SECRET_KEY=")]
    [InlineData("secret_key=hush\n", "there is no RUSTFS_ACCESS_KEY=")]
    public void Fault_IsNamedByItsLineAndRepeatsNothing(string content, string fault)
    {
        Assert.False(CredentialsFile.TryParse(Encoding.UTF8.GetBytes(content), out _, out IReadOnlyList<string>? faults));

        Assert.StartsWith(fault, Assert.Single(faults), StringComparison.Ordinal);
        Assert.DoesNotContain("hush", faults[0]);
    }

    [Fact]
    public void AllFaults_AreReported()
    {
        Assert.False(CredentialsFile.TryParse("garbage\nsecret_key='x\n"u8, out _, out IReadOnlyList<string>? faults));

        Assert.Equal(3, faults.Count);
    }

    private static string Secret(string content)
    {
        bool isRead = CredentialsFile.TryParse(
            Encoding.UTF8.GetBytes(content), out RootCredentials? credentials, out IReadOnlyList<string>? faults);
        Assert.True(isRead && credentials is not null, string.Join('\n', faults ?? []));
        using (credentials)
        {
            byte[] secret = new byte[SigningKey.MaxSecretBytes];
            CredentialLookup found = credentials.Find("admin", null, secret);
            return Encoding.UTF8.GetString(secret, 0, found.SecretBytes);
        }
    }
}
