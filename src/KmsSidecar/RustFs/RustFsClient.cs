using System.Text.Json;
using KmsSidecar.Auth;
using KmsSidecar.Observability;

namespace KmsSidecar.RustFs;

/// <summary>The three routes of RustFS's admin API that following needs.</summary>
internal sealed class RustFsClient(RustFsConnection connection, RustFsSettings settings) : IDisposable
{
    private const string Prefix = "/rustfs/admin/v3/kms/";

    public string Endpoint => settings.EndpointText;

    /// <inheritdoc cref="RequestSigner.Use"/>
    public void UseCredentials(RootCredentials credentials) => connection.UseCredentials(credentials);

    /// <exception cref="RustFsException">It cannot be had.</exception>
    public Task<KmsStatus> GetStatusAsync(CancellationToken cancellation) =>
        AskAsync(HttpMethod.Get, "status", default, KmsStatus.Read, cancellation);

    /// <summary>Tells RustFS its default key, and leaves its cache as it is.</summary>
    /// <remarks>RustFS asks this daemon for ListKeys before it answers: the caller holds nothing that ListKeys could need.</remarks>
    /// <exception cref="RustFsException">RustFS goes on as before, or it is not known how.</exception>
    public async Task SetDefaultKeyAsync(string keyId, CancellationToken cancellation)
    {
        KmsCacheConfig cache = await AskAsync(HttpMethod.Get, "config", default, KmsCacheConfig.Read, cancellation);
        byte[] request = JsonSerializer.SerializeToUtf8Bytes(
            new ReconfigureRequest(
                "aws", settings.Region, settings.KmsEndpointText, keyId, cache.CacheEnabled, cache.CacheMaxKeys, cache.CacheTtlSeconds),
            RustFsJson.Default.ReconfigureRequest);
        ReconfigureAnswer answer = await AskAsync(
            HttpMethod.Post, "reconfigure", request, ReconfigureAnswer.Read, cancellation);
        if (!answer.Success)
        {
            throw new RustFsException(PrintableText.Of($"RustFS refuses the reconfigure: {answer.Message}"));
        }
    }

    public void Dispose() => connection.Dispose();

    private async Task<T> AskAsync<T>(
        HttpMethod method, string route, ReadOnlyMemory<byte> body, Func<JsonElement, T?> read, CancellationToken cancellation)
        where T : class
    {
        RustFsAnswer answer = await connection.SendAsync(method, Prefix + route, body, cancellation);
        return answer.Status != 200 ? throw Refused(method, route, answer)
            : answer.Read(read) ?? throw new RustFsException(
                $"{Endpoint} answers {method} kms/{route} with what is not RustFS's: --rustfs-endpoint has to name RustFS's own port");
    }

    private static RustFsException Refused(HttpMethod method, string route, RustFsAnswer answer) => new(PrintableText.Of(answer switch
    {
        { Status: 401 or 403 } =>
            $"RustFS refuses the credentials with {answer.Summary}; --rustfs-credentials-file names those of a RustFS user who may kms:ServiceControl and kms:Configure",
        { Status: 500, Message: "KMS service not initialized" } =>
            "RustFS's KMS is not running: start RustFS with RUSTFS_KMS_ENABLE=true and RUSTFS_KMS_BACKEND=aws, or its KMS again where it was stopped",
        _ => $"RustFS answers {method} kms/{route} with {answer.Summary}",
    }));
}
