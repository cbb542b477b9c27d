using System.Text;
using System.Text.Json;
using KmsSidecar.Configuration;
using KmsSidecar.Errors;
using Xunit;

namespace KmsSidecar.Tests.Configuration;

/// <summary>What a configuration of a backend in Vault may say, in which spellings, and what is refused before Vault is asked.</summary>
public sealed class VaultConfigurationTests
{
    private const string Secret = "s3cr3t-marker";

    /// <summary>A method as it is sent, and as it is stored.</summary>
    public static TheoryData<string, string> Methods => new()
    {
        { """{"token":"s3cr3t-marker"}""", """{"token":{"token":"s3cr3t-marker"}}""" },
        { """{"token":{"token":"s3cr3t-marker"}}""", """{"token":{"token":"s3cr3t-marker"}}""" },
        { """{"Token":{"token":"s3cr3t-marker"}}""", """{"token":{"token":"s3cr3t-marker"}}""" },
        {
            """{"approle":{"role_id":"r","secret_id":"s3cr3t-marker"}}""",
            """{"approle":{"role_id":"r","mount":"approle","secret_id":"s3cr3t-marker"}}"""
        },
        {
            """{"AppRole":{"role_id":"r","secret_id":"","secret_id_file":"/run/sid","mount":"team/role","refresh_safety_window_secs":null}}""",
            """{"approle":{"role_id":"r","secret_id_file":"/run/sid","mount":"team/role"}}"""
        },
        {
            """{"AppRole":{"role_id":"r","wrapping_token":"s3cr3t-marker","refresh_safety_window_secs":9}}""",
            """{"approle":{"role_id":"r","mount":"approle","wrapping_token":"s3cr3t-marker","refresh_safety_window_secs":9}}"""
        },
        {
            """{"Kubernetes":{"role":"r"}}""",
            """{"kubernetes":{"role":"r","jwt_path":"/var/run/secrets/kubernetes.io/serviceaccount/token","mount":"kubernetes"}}"""
        },
        { """{"TokenFile":{"path":"/run/t","poll_interval_secs":5}}""", """{"token_file":{"path":"/run/t","poll_interval_secs":5}}""" },
        { """{"token_file":{"path":"/run/t"}}""", """{"token_file":{"path":"/run/t"}}""" },
    };

    public static TheoryData<string, string> FaultyMethods => new()
    {
        { "\"s3cr3t-marker\"", "one method" },
        { "[]", "one method" },
        { "{}", "names no method" },
        { """{"ldap":{}}""", "'auth_method.ldap'" },
        { """{"token":"s3cr3t-marker","approle":{"role_id":"r","secret_id":"s"}}""", "second method" },
        { """{"token":{}}""", "'token' is missing" },
        { """{"token":{"token":"s3cr3t-marker","ttl":1}}""", "'auth_method.token.ttl' is unknown" },
        { """{"token":5}""", "'auth_method.token' must be a string" },
        { """{"approle":{"secret_id":"s3cr3t-marker"}}""", "'role_id' is missing" },
        { """{"approle":{"role_id":"r"}}""", "vault write -f auth/approle" },
        { """{"approle":{"role_id":"","secret_id":"s3cr3t-marker"}}""", "'auth_method.approle.role_id' must not be empty" },
        { """{"approle":{"role_id":"r","secret_id":"s3cr3t-marker","secret_id_file":"/f"}}""", "exclude each other" },
        { """{"approle":{"role_id":"r","secret_id":"s3cr3t-marker","wrapping_token":"s3cr3t-marker"}}""", "exclude each other" },
        { """{"approle":{"role_id":"r","secret_id_file":"f"}}""", "must be absolute" },
        { """{"approle":{"role_id":"r","secret_id":"s3cr3t-marker","mount":"/x"}}""", "'mount'" },
        { """{"approle":{"role_id":"r","secret_id":"s3cr3t-marker","mount":"a/../b"}}""", "'mount'" },
        { """{"approle":{"role_id":"r\n","secret_id":"s3cr3t-marker"}}""", "control characters" },
        { """{"kubernetes":{}}""", "'role' is missing" },
        { """{"TokenFile":{}}""", "'path' is missing" },
        { """{"TokenFile":{"path":"/t","poll_interval_secs":0}}""", "poll_interval_secs" },
    };

    /// <summary>Further members, and what the refusal names.</summary>
    public static TheoryData<string, string> Unservable => new()
    {
        { "\"address\":\"vault.example.com:8200\"", "address must be a URL" },
        { "\"address\":\"ftp://vault\"", "address must be a URL" },
        { "\"address\":\"https://user:pass@vault\"", "scheme, host and port alone" },
        { "\"address\":\"https://vault/v1\"", "scheme, host and port alone" },
        { "\"address\":\"http://vault.example.com:8200\"", "https://" },
        { "\"address\":\"https://v\",\"skip_tls_verify\":true", "ca_cert_path" },
        { "\"address\":\"https://v\",\"mount_path\":\"/transit\"", "mount_path" },
        { "\"address\":\"https://v\",\"mount_path\":\"a//b\"", "mount_path" },
        { "\"address\":\"https://v\",\"kv_mount\":\"..\"", "kv_mount" },
        { "\"address\":\"https://v\",\"key_path_prefix\":\"a/../b\"", "key_path_prefix" },
        { "\"address\":\"https://v\",\"namespace\":\"a b\"", "namespace" },
        { "\"address\":\"https://v\",\"ca_cert_path\":\"ca.pem\"", "ca_cert_path" },
        { "\"address\":\"https://v\",\"client_cert_path\":\"/c.pem\"", "belong together" },
    };

    [Theory]
    [MemberData(nameof(Methods))]
    public void Method_IsTakenInBothSpellings(string sent, string stored)
    {
        using ConfigurationDocument document = Document($"\"address\":\"https://v\",\"auth_method\":{sent}");

        Assert.Equal(JsonSerializer.Serialize(JsonDocument.Parse(stored)), Auth(document));
        using ConfigurationDocument again = ConfigurationDocument.Read(Text(document, redacted: false));
        Assert.Equal(Auth(document), Auth(again));
        Assert.Empty(ConfigurationDocument.Difference(document, again));
    }

    [Theory]
    [MemberData(nameof(FaultyMethods))]
    public void FaultyMethod_IsRefused_AndItsSecretIsNotRepeated(string method, string named)
    {
        KmsException refused = Assert.Throws<KmsException>(() => Document($"\"address\":\"https://v\",\"auth_method\":{method}").Dispose());

        Assert.Equal(KmsError.MalformedRequest, refused.Error);
        Assert.Contains(named, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, refused.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Unservable))]
    public void UnservableConfiguration_IsRefused(string members, string named)
    {
        using ConfigurationDocument document = Document($"{members},\"auth_method\":{{\"token\":\"t\"}}");

        KmsException refused = Assert.Throws<KmsException>(() => KmsConfiguration.From(document));
        Assert.Equal(KmsError.InvalidConfiguration, refused.Error);
        Assert.Contains(named, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"auth_method\":{\"token\":\"t\"}", "address is missing")]
    [InlineData("\"address\":\"https://v\"", "auth_method is missing")]
    [InlineData("\"address\":\"https://v\",\"auth_method\":{\"token\":\" \"}", "auth_method is missing")]
    public void MissingMember_IsNamed(string members, string named)
    {
        using ConfigurationDocument document = Document(members);
        Assert.Contains(named, Assert.Throws<KmsException>(() => KmsConfiguration.From(document)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://127.0.0.1:8200", false)]
    [InlineData("http://[::1]:8200", false)]
    [InlineData("http://localhost:8200", false)]
    [InlineData("http://vault.example.com:8200", true)]
    public void PlainHttp_IsForThisMachine_OrForDevelopment(string address, bool insecure)
    {
        using ConfigurationDocument document = Document(
            $"\"address\":\"{address}\",\"auth_method\":{{\"token\":\"t\"}}{(insecure ? ",\"allow_insecure_dev_defaults\":true" : "")}");
        Assert.Equal(address, KmsConfiguration.From(document).Vault!.Address);
    }

    [Theory]
    [InlineData("vault", "transit", "secret", "rustfs/kms/keys")]
    [InlineData("vault-transit", "transit", "secret", "rustfs/kms/transit-metadata")]
    [InlineData("vault-kv2", null, "secret", "rustfs/kms/keys")]
    public void Places_HaveUpstreamsDefaults(string backend, string? transit, string mount, string prefix)
    {
        using ConfigurationDocument document = Document("\"address\":\"https://v\",\"auth_method\":{\"token\":\"t\"}", backend);
        VaultConfiguration vault = KmsConfiguration.From(document).Vault!;
        Assert.Equal((transit, mount, prefix), (vault.TransitMount, vault.KeyValueMount, vault.KeyPrefix));
    }

    [Fact]
    public void Method_IsReplacedWhole_AndKeptByABlankToken()
    {
        using ConfigurationDocument before = Document("\"address\":\"https://v\",\"auth_method\":{\"approle\":{\"role_id\":\"r\",\"secret_id\":\"s\"}}");

        using ConfigurationDocument kept = Merge(before, """{"auth_method":{"Token":{"token":""}},"timeout_seconds":9}""");
        Assert.Equal(Auth(before), Auth(kept));
        using ConfigurationDocument replaced = Merge(before, """{"auth_method":{"kubernetes":{"role":"r"}}}""");
        Assert.DoesNotContain("secret_id", Auth(replaced), StringComparison.Ordinal);
        Assert.Equal(["auth_method"], ConfigurationDocument.Difference(before, replaced));
        Assert.True(before.HasSameKeys(replaced));
        Assert.False(before.HasSameBackend(replaced));
    }

    [Theory]
    [InlineData("vault", """{"cache_ttl_seconds":9}""", true, false)]
    [InlineData("vault", """{"key_path_prefix":"other"}""", true, false)]
    [InlineData("vault", """{"mount_path":"other"}""", false, false)]
    [InlineData("vault", """{"address":"https://w"}""", false, false)]
    [InlineData("vault", """{"default_key_id":"k"}""", true, true)]
    [InlineData("vault-kv2", """{"key_path_prefix":"other"}""", false, false)]
    [InlineData("vault-kv2", """{"mount_path":"other"}""", true, true)]
    [InlineData("vault", """{"backend_type":"vault-transit"}""", false, false)]
    public void Change_AsksOfTheBackend(string backend, string patch, bool sameKeys, bool sameBackend)
    {
        using ConfigurationDocument before = Document("\"address\":\"https://v\",\"auth_method\":{\"token\":\"t\"}", backend);
        using ConfigurationDocument after = Merge(before, patch);
        Assert.Equal((sameKeys, sameBackend), (before.HasSameKeys(after), before.HasSameBackend(after)));
    }

    [Fact]
    public void Secret_IsShownNowhere()
    {
        using ConfigurationDocument document = Document(
            "\"address\":\"https://v\",\"auth_method\":{\"approle\":{\"role_id\":\"r\",\"secret_id\":\"s3cr3t-marker\"}}");
        using ConfigurationDocument other = Document("\"address\":\"https://v\",\"auth_method\":{\"token\":\"t\"}");

        Assert.DoesNotContain(Secret, Encoding.UTF8.GetString(Text(document, redacted: true)), StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, string.Join(' ', FieldChange.Between(other, document)), StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, document.AuthMethod!.ToString(), StringComparison.Ordinal);
    }

    private static ConfigurationDocument Document(string members, string backend = "vault")
    {
        using ConfigurationPatch patch = ConfigurationPatch.Read(
            Encoding.UTF8.GetBytes($$"""{"backend_type":"{{backend}}",{{members}}}"""), current: null, "");
        return ConfigurationDocument.Replace(patch, patch.Backend!.Value);
    }

    private static ConfigurationDocument Merge(ConfigurationDocument before, string json)
    {
        using ConfigurationPatch patch = ConfigurationPatch.Read(Encoding.UTF8.GetBytes(json), before.Backend, "");
        return before.Merge(patch);
    }

    private static string Auth(ConfigurationDocument document) =>
        JsonDocument.Parse(Text(document, redacted: false)).RootElement.GetProperty("auth_method").GetRawText();

    private static byte[] Text(ConfigurationDocument document, bool redacted)
    {
        using MemoryStream text = new();
        using (Utf8JsonWriter writer = new(text))
        {
            document.WriteTo(writer, redacted);
        }

        return text.ToArray();
    }
}
