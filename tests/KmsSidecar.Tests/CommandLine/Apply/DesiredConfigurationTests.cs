using System.Text;
using KmsSidecar.CommandLine.Apply;
using KmsSidecar.Configuration;
using KmsSidecar.Crypto;
using Xunit;

namespace KmsSidecar.Tests.CommandLine.Apply;

public sealed class DesiredConfigurationTests
{
    private const string Wanted =
        """{"backend_type":"vault","address":"https://vault:8200","auth_method":{"token":"t \" \\ é"},"default_key_id":"app","timeout_seconds":7,"namespace":null}""";

    [Theory]
    [InlineData("""{"backend_type":"local","key_dir":"/keys","master_key":"m","envelope_form":"rustfs","decrypt_only_grace_days":3}""")]
    [InlineData("""{"backend_type":"vault","address":"https://other:8200","auth_method":{"token":"u"},"namespace":"n","kv_mount":"kv","enable_cache":false}""")]
    [InlineData(Wanted)]
    public void AReconfigure_LeavesNothingOfWhatWas(string formerText)
    {
        using ConfigurationDocument former = ConfigurationDocument.Read(Encoding.UTF8.GetBytes(formerText));
        using ConfigurationDocument wanted = ConfigurationDocument.Read(Encoding.UTF8.GetBytes(Wanted));
        using DesiredConfiguration desired = DesiredConfiguration.Read(Encoding.UTF8.GetBytes(Wanted));
        using SecretBuffer body = desired.ToReconfigure(desired.DefaultKeyId);

        using ConfigurationPatch patch = ConfigurationPatch.Read(body.WrittenSpan, former.Backend, "");
        using ConfigurationDocument merged = former.Merge(patch);

        Assert.Empty(ConfigurationDocument.Difference(wanted, merged));
    }

    [Theory]
    [InlineData("other")]
    [InlineData(null)]
    public void TheDefaultKey_CanBeAnother(string? id)
    {
        using DesiredConfiguration desired = DesiredConfiguration.Read(Encoding.UTF8.GetBytes(Wanted));
        using SecretBuffer body = desired.ToReconfigure(id);

        using ConfigurationDocument document = ConfigurationDocument.Read(body.WrittenSpan);

        Assert.Equal("app", desired.DefaultKeyId);
        Assert.Equal(id, document.Text(ConfigurationField.DefaultKeyId));
    }

    [Fact]
    public void AConfigure_IsTheTextItself()
    {
        using DesiredConfiguration desired = DesiredConfiguration.Read(Encoding.UTF8.GetBytes(Wanted));
        using SecretBuffer body = desired.ToConfigure();

        Assert.Equal(Wanted, Encoding.UTF8.GetString(body.WrittenSpan));
    }
}
