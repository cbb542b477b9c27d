using System.Text;
using System.Text.Json;
using KmsSidecar.Configuration;
using KmsSidecar.Errors;
using Xunit;

namespace KmsSidecar.Tests.Configuration;

/// <summary>What a reconfigure makes of a configuration, as a table.</summary>
public sealed class MergeTests
{
    private const string Before =
        """{"backend_type":"local","default_key_id":"a","enable_cache":false,"key_dir":"/k","master_key":"m","timeout_seconds":20}""";

    /// <summary>The patch, and the fields that are set after it (secrets as the store sees them).</summary>
    public static TheoryData<string, string> Merges => new()
    {
        // Absent keeps.
        { "{}", Before },
        { """{"backend_type":"local"}""", Before },
        { """{"backend_type":"Local"}""", Before },

        // A value replaces, and touches nothing else.
        { """{"default_key_id":"b"}""", Before.Replace("\"a\"", "\"b\"", StringComparison.Ordinal) },
        { """{"timeout_seconds":30}""", Before.Replace("20", "30", StringComparison.Ordinal) },
        { """{"enable_cache":true,"timeout_seconds":1}""", Before.Replace("false", "true", StringComparison.Ordinal).Replace("20", "1", StringComparison.Ordinal) },
        { """{"master_key":"n"}""", Before.Replace("\"m\"", "\"n\"", StringComparison.Ordinal) },
        { """{"cache_ttl_seconds":600}""", Before.Replace("\"default_key_id\"", "\"cache_ttl_seconds\":600,\"default_key_id\"", StringComparison.Ordinal) },

        // null returns to the default.
        { """{"timeout_seconds":null}""", Before.Replace(",\"timeout_seconds\":20", "", StringComparison.Ordinal) },
        { """{"master_key":null}""", Before.Replace(",\"master_key\":\"m\"", "", StringComparison.Ordinal) },
        { """{"default_key_id":null,"cache_ttl_seconds":null}""", Before.Replace("\"default_key_id\":\"a\",", "", StringComparison.Ordinal) },

        // Another backend takes the common fields along, and leaves its own behind.
        { """{"backend_type":"static"}""", """{"backend_type":"static","default_key_id":"a","enable_cache":false,"timeout_seconds":20}""" },
        { """{"backend_type":"static","default_key_id":null}""", """{"backend_type":"static","enable_cache":false,"timeout_seconds":20}""" },
    };

    /// <summary>The patch, the error, and what its message names.</summary>
    public static TheoryData<string, string, string> Refusals => new()
    {
        { """{"no_such":1}""", nameof(KmsError.MalformedRequest), "'no_such' is unknown" },
        { """{"timeout_seconds":1,"timeout_seconds":1}""", nameof(KmsError.MalformedRequest), "'timeout_seconds' is given twice" },
        { """{"timeout_seconds":0}""", nameof(KmsError.MalformedRequest), "'timeout_seconds'" },
        { """{"timeout_seconds":301}""", nameof(KmsError.MalformedRequest), "'timeout_seconds'" },
        { """{"timeout_seconds":1.5}""", nameof(KmsError.MalformedRequest), "'timeout_seconds'" },
        { """{"timeout_seconds":"20"}""", nameof(KmsError.MalformedRequest), "'timeout_seconds'" },
        { """{"enable_cache":1}""", nameof(KmsError.MalformedRequest), "'enable_cache'" },
        { """{"default_key_id":""}""", nameof(KmsError.MalformedRequest), "'default_key_id'" },
        { """{"default_key_id":"a\u0000"}""", nameof(KmsError.MalformedRequest), "'default_key_id'" },
        { """{"master_key":""}""", nameof(KmsError.MalformedRequest), "'master_key'" },
        { """{"backend_type":"static","key_dir":"/k"}""", nameof(KmsError.MalformedRequest), "'key_dir' does not belong to backend 'static'" },
        { """{"backend_type":"static","secret_key":"x"}""", nameof(KmsError.MalformedRequest), "--static-key-file" },
        { """{"backend_type":"static","key_id":"x"}""", nameof(KmsError.MalformedRequest), "--static-key-file" },
        { """{"backend_type":"hsm"}""", nameof(KmsError.MalformedRequest), "'backend_type'" },
        { """{"backend_type":null}""", nameof(KmsError.MalformedRequest), "'backend_type'" },
        { """{"backend_type":"AwsKms"}""", nameof(KmsError.Unsupported), "'AwsKms'" },
        { """["backend_type"]""", nameof(KmsError.MalformedRequest), "a JSON object is expected" },
        { """{"timeout_seconds":1}x""", nameof(KmsError.MalformedRequest), "line 1, column" },
    };

    [Theory]
    [MemberData(nameof(Merges))]
    public void Patch_ChangesWhatItNames_AndNothingElse(string patch, string expected)
    {
        using ConfigurationDocument before = Document(Before);
        using ConfigurationPatch read = ConfigurationPatch.Read(Encoding.UTF8.GetBytes(patch), before.Backend, "");

        using ConfigurationDocument after = before.Merge(read);

        Assert.Equal(expected, Text(after));
        Assert.Equal(Before, Text(before));
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public void FaultyPatch_IsRefused_AndSaysWhere(string patch, string error, string named)
    {
        KmsException refused = Assert.Throws<KmsException>(
            () => ConfigurationPatch.Read(Encoding.UTF8.GetBytes(patch), BackendType.Local, "").Dispose());

        Assert.Equal(error, refused.Error.ToString());
        Assert.Contains(named, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Configure_ReplacesTheWhole()
    {
        using ConfigurationPatch patch = ConfigurationPatch.Read("""{"backend_type":"local","key_dir":"/k2"}"""u8, current: null, "");

        using ConfigurationDocument document = ConfigurationDocument.Replace(patch, BackendType.Local);

        Assert.Equal("""{"backend_type":"local","key_dir":"/k2"}""", Text(document));
    }

    [Fact]
    public void MissingBackend_SaysWhyItIsNeeded()
    {
        KmsException refused = Assert.Throws<KmsException>(() => ConfigurationPatch.Read("{}"u8, current: null, "because").Dispose());

        Assert.Contains("'backend_type' is missing: because", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"default_key_id":"b","cache_ttl_seconds":1,"envelope_form":"rustfs"}""", true, true)]
    [InlineData("""{"master_key":"m"}""", true, true)]
    [InlineData("""{"file_permissions":256}""", false, true)]
    [InlineData("""{"key_dir":"/other"}""", false, false)]
    [InlineData("""{"master_key":"n"}""", false, false)]
    [InlineData("""{"backend_type":"static"}""", false, false)]
    public void FieldsDecide_WhetherTheBackendAndItsKeysStayTheSame(string patch, bool sameBackend, bool sameKeys)
    {
        using ConfigurationDocument before = Document(Before);
        using ConfigurationPatch read = ConfigurationPatch.Read(Encoding.UTF8.GetBytes(patch), before.Backend, "");
        using ConfigurationDocument after = before.Merge(read);

        Assert.Equal(sameBackend, before.HasSameBackend(after));
        Assert.Equal(sameKeys, before.HasSameKeys(after));
    }

    [Theory]
    [InlineData("""{"backend_type":"local"}""", "key_dir is missing")]
    [InlineData("""{"backend_type":"local","key_dir":"x"}""", "absolute")]
    [InlineData("""{"backend_type":"local","key_dir":"/k","envelope_form":"xml"}""", "envelope_form")]
    [InlineData("""{"backend_type":"local","key_dir":"/k","file_permissions":420}""", "file_permissions")]
    public void ConfigurationThatCannotBeServed_IsRefused(string text, string named)
    {
        using ConfigurationDocument document = Document(text);

        KmsException refused = Assert.Throws<KmsException>(() => KmsConfiguration.From(document));

        Assert.Equal(KmsError.InvalidConfiguration, refused.Error);
        Assert.Contains(named, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Defaults_AreThoseOfRustFs()
    {
        using ConfigurationDocument document = Document("""{"backend_type":"local","key_dir":"/k"}""");

        KmsConfiguration configuration = KmsConfiguration.From(document);

        Assert.Equal(TimeSpan.FromSeconds(30), configuration.Timeout);
        Assert.Equal(3, configuration.RetryAttempts);
        Assert.True(configuration.EnableCache);
        Assert.Equal(1000, configuration.MaxCachedKeys);
        Assert.Equal(TimeSpan.FromSeconds(300), configuration.CacheTtl);
        Assert.Null(configuration.DefaultKeyId);
    }

    [Fact]
    public void Redacted_ShowsThatASecretIsSet_AndNotWhich()
    {
        using ConfigurationDocument document = Document(Before);

        string text = Text(document, redacted: true);

        Assert.Contains("\"master_key\":\"[redacted]\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public void DisposedDocument_HasWipedItsSecret_AndNotItsCopies()
    {
        ConfigurationDocument original = Document(Before);
        using ConfigurationDocument copy = original.Clone();

        original.Dispose();

        Assert.Equal(Before, Text(copy));
        Assert.True(original.Secret(ConfigurationField.MasterKey)!.IsDisposed);
    }

    private static ConfigurationDocument Document(string text) => ConfigurationDocument.Read(Encoding.UTF8.GetBytes(text));

    private static string Text(ConfigurationDocument document, bool redacted = false)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream))
        {
            document.WriteTo(writer, redacted);
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
