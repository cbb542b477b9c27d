using System.Diagnostics;
using KmsSidecar.Tests.Storage;
using KmsSidecar.Tests.Support;
using Xunit;

namespace KmsSidecar.Tests.Doubles;

/// <summary>The double as scripts use it: a process, curl, and a signal at the end.</summary>
public sealed class VaultDoubleProgramTests : IDisposable
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "KmsSidecar.VaultDouble.dll");

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Program_IsDrivenByCurl_AndEndsWithSigterm()
    {
        string[] arguments = [Program, "--ready-file", _directory.PathOf("ready"), "--root-token-file", _directory.PathOf("root")];
        using Process process = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true })!;
        try
        {
            string address = (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken))!;
            string token = await ReadAsync("root");

            Assert.Equal("200", await StatusAsync($"{address}/v1/sys/health"));
            await CurlAsync("-d", """{"kind":"answer","status":429,"path":"sys/health","times":1}""", $"{address}/double/faults");
            Assert.Equal("429", await StatusAsync($"{address}/v1/sys/health"));
            await CurlAsync("-X", "POST", $"{address}/double/seal");
            Assert.Equal("503", await StatusAsync($"{address}/v1/sys/health"));
            await CurlAsync("-X", "POST", $"{address}/double/unseal");
            Assert.Equal("200", await StatusAsync("-H", $"X-Vault-Token: {token}", $"{address}/v1/auth/token/lookup-self"));
            await CurlAsync("-d", """{"advance":"3h"}""", $"{address}/double/clock");
            Assert.Contains("\"count\":3,", await CurlAsync($"{address}/double/requests?path=sys/health&method=GET"), StringComparison.Ordinal);
            Assert.Equal("400", await StatusAsync($"{address}/double/no-such-thing"));

            await Shell.RunAsync("kill", "-TERM", $"{process.Id}");
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);

            Assert.Equal(0, process.ExitCode);
            Assert.Equal(address, await ReadAsync("ready"));
        }
        finally
        {
            process.Kill();
        }
    }

    [Fact]
    public async Task Program_ListensOnLoopbackOnly()
    {
        Assert.Equal(64, (await Shell.RunAsync("dotnet", Program, "--listen", "0.0.0.0:0")).ExitCode);
    }

    private static Task<string> StatusAsync(params string[] arguments) => CurlAsync(["-o", "/dev/null", "-w", "%{http_code}", .. arguments]);

    private static async Task<string> CurlAsync(params string[] arguments) => (await Shell.RunAsync("curl", ["-sS", "-m", "60", .. arguments])).Output;

    private async Task<string> ReadAsync(string name) => (await File.ReadAllTextAsync(_directory.PathOf(name), TestContext.Current.CancellationToken)).Trim();
}
