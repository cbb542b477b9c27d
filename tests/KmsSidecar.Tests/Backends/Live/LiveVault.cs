using System.Net.Http.Json;
using System.Text;
using KmsSidecar.Crypto;
using KmsSidecar.Vault;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace KmsSidecar.Tests.Backends.Live;

/// <summary>A real OpenBao or Vault, in dev mode, named by <c>VAULT_ADDR</c> and <c>VAULT_TOKEN</c>. Mounts what it is asked for under names of its
/// own, and takes it away again. Without the two variables the test is skipped.</summary>
internal sealed class LiveVault : IAsyncDisposable
{
    private readonly List<string> _mounts = [];
    private readonly HttpClient _http = new();
    private readonly string _token;

    private LiveVault(Uri address, string token)
    {
        _token = token;
        _http.BaseAddress = address;
        _http.DefaultRequestHeaders.Add("X-Vault-Token", token);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <returns>Null where no server is named.</returns>
    public static LiveVault? Find() =>
        Environment.GetEnvironmentVariable("VAULT_ADDR") is { Length: > 0 } address && Environment.GetEnvironmentVariable("VAULT_TOKEN") is { Length: > 0 } token
            ? new LiveVault(new Uri(address), token)
            : null;

    /// <param name="body">Of the mount's request: its type and options.</param>
    /// <returns>The mount's path.</returns>
    public async Task<string> MountAsync(object body)
    {
        string path = $"kms-sidecar-test-{Guid.NewGuid():N}";
        using HttpResponseMessage answer = await _http.PostAsJsonAsync($"v1/sys/mounts/{path}", body, Cancellation);
        answer.EnsureSuccessStatusCode();
        _mounts.Add(path);
        return path;
    }

    public async Task<VaultClient> ConnectAsync() => await VaultClient.OpenAsync(
        new VaultSettings { Address = _http.BaseAddress!, Auth = new VaultAuth.Token(SecretBytes.CopyOf(Encoding.ASCII.GetBytes(_token))) },
        TimeProvider.System,
        NullLoggerFactory.Instance,
        Cancellation);

    public async ValueTask DisposeAsync()
    {
        foreach (string path in _mounts)
        {
            using HttpResponseMessage _ = await _http.DeleteAsync($"v1/sys/mounts/{path}", CancellationToken.None);
        }

        _http.Dispose();
    }
}
