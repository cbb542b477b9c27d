using System.Text.Json;
using System.Text.Json.Serialization;
using KmsSidecar.Configuration;

namespace KmsSidecar.Api;

/// <summary>What of a backend's configuration is not secret, with upstream's members and ours; which ones depends on the backend.</summary>
/// <param name="soleKeyId">Of a backend that has one key.</param>
[JsonConverter(typeof(BackendSummaryConverter))]
internal sealed class BackendSummary(KmsConfiguration configuration, string? soleKeyId)
{
    public void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("backend_type", configuration.Backend.Tag());
        switch (configuration)
        {
            case { Backend: BackendType.Local }:
                WriteLocal(writer);
                break;
            case { Vault: { } vault }:
                WriteServer(writer, vault);
                break;
            default:
                writer.WriteString("key_id", soleKeyId);
                break;
        }

        writer.WriteEndObject();
    }

    private void WriteLocal(Utf8JsonWriter writer)
    {
        writer.WriteString("key_dir", configuration.KeyDirectory);
        writer.WriteBoolean("has_master_key", configuration.HasMasterKey);
        writer.WritePropertyName("file_permissions");
        if (configuration.FilePermissions is { } permissions)
        {
            writer.WriteNumberValue((int)permissions);
        }
        else
        {
            writer.WriteNullValue();
        }
    }

    private void WriteServer(Utf8JsonWriter writer, VaultConfiguration vault)
    {
        writer.WriteString("address", vault.Address);
        writer.WriteString("auth_method_type", vault.AuthMethodType);
        writer.WriteBoolean("has_stored_credentials", vault.HasStoredCredentials);
        writer.WriteString("namespace", vault.Namespace);
        if (vault.TransitMount is { } mount)
        {
            writer.WriteString("mount_path", mount);
        }

        bool isUpstreams = configuration.Backend == BackendType.VaultTransit;
        writer.WriteString(isUpstreams ? "metadata_kv_mount" : "kv_mount", vault.KeyValueMount);
        writer.WriteString(isUpstreams ? "metadata_key_prefix" : "key_path_prefix", vault.KeyPrefix);
        writer.WriteBoolean("skip_tls_verify", vault.SkipTlsVerify);
    }
}

/// <summary>For answers alone. A serializer that is told of derived types needs the metadata of all of them.</summary>
internal sealed class BackendSummaryConverter : JsonConverter<BackendSummary>
{
    public override BackendSummary Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException();

    public override void Write(Utf8JsonWriter writer, BackendSummary value, JsonSerializerOptions options) => value.WriteTo(writer);
}
