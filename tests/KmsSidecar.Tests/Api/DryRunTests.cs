using System.Security.Cryptography;
using System.Text.Json;
using KmsSidecar.Tests.Support;
using Xunit;

namespace KmsSidecar.Tests.Api;

/// <summary>What a change would do, and what differs between two configurations; over HTTP, on real directories.</summary>
public sealed class DryRunTests
{
    private const string Secret = "correct horse battery staple";

    [Fact]
    public async Task DryRun_TellsWhatTheChangeWouldDo_AndLeavesEveryFileAsItWas()
    {
        await using TestHost host = await TestHost.StartRunningAsync();
        string other = host.Directory.PathOf("other");
        string[] before = Tree(host.Directory.FullPath);

        JsonElement answer = await PostAsync(host, "reconfigure?dry_run=true", $$"""{"key_dir":"{{other}}","master_key":"{{Secret}}","cache_ttl_seconds":7}""");

        Assert.Equal(before, Tree(host.Directory.FullPath));
        Assert.True(answer.GetProperty("dry_run").GetBoolean());
        Assert.Equal("replaced", answer.GetProperty("backend").GetString());
        Assert.Equal(7, answer.GetProperty("changes").GetProperty("cache_ttl_seconds").GetProperty("after").GetInt64());
        Assert.Equal("[redacted]", answer.GetProperty("changes").GetProperty("master_key").GetProperty("after").GetString());
        Assert.Equal(JsonValueKind.Null, answer.GetProperty("changes").GetProperty("master_key").GetProperty("before").ValueKind);
        Assert.Contains($"key directory {other}", Texts(answer, "would_create"));
        Assert.Contains("default key master", Texts(answer, "would_create"));
        Assert.Equal(["local-1"], Texts(answer, "decrypt_only_after"));
        Assert.DoesNotContain(Secret, answer.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(1, (await GetAsync(host, "status")).GetProperty("generation").GetInt64());

        // And the real change does what was told.
        await PostAsync(host, "reconfigure", $$"""{"key_dir":"{{other}}","master_key":"{{Secret}}","cache_ttl_seconds":7}""");
        JsonElement status = await GetAsync(host, "status");
        Assert.Equal("local-1", status.GetProperty("decrypt_only")[0].GetProperty("name").GetString());
        Assert.Equal(1, status.GetProperty("decrypt_only")[0].GetProperty("key_count").GetInt32());

        // Going back makes nothing.
        JsonElement back = await PostAsync(host, "rollback?dry_run=true");
        Assert.Empty(Texts(back, "would_create"));
        Assert.Equal(["local-2"], Texts(back, "decrypt_only_after"));
        Assert.Equal("kept", (await PostAsync(host, "reconfigure?dry_run=true", """{"cache_ttl_seconds":8}""")).GetProperty("backend").GetString());
    }

    [Fact]
    public async Task DryRunOfConfigure_LeavesTheServiceUnconfigured()
    {
        await using TestHost host = await TestHost.StartAsync();
        string[] before = Tree(host.Directory.FullPath);

        JsonElement answer = await PostAsync(host, "configure?dry_run=true", host.LocalConfiguration);

        Assert.Equal("NotConfigured", answer.GetProperty("status").GetString());
        Assert.Equal("replaced", answer.GetProperty("backend").GetString());
        Assert.Equal(before, Tree(host.Directory.FullPath));
        Assert.Equal("NotConfigured", (await GetAsync(host, "status")).GetProperty("status").GetString());
    }

    [Fact]
    public async Task DryRun_PutsNothingInOrder_InADirectoryThatIsThere()
    {
        await using TestHost host = await TestHost.StartRunningAsync();
        string other = host.Directory.PathOf("other");
        CopyDirectory(host.Directory.PathOf("keys"), other);
        string abandoned = Path.Join(other, "master.tmp-0f8fad5b-d9cb-469f-a165-70867728950e");
        File.WriteAllText(abandoned, "");
        File.SetUnixFileMode(other, (UnixFileMode)0b111_101_101);

        await PostAsync(host, "reconfigure?dry_run=true", $$"""{"key_dir":"{{other}}"}""");

        Assert.True(File.Exists(abandoned));
        Assert.Equal((UnixFileMode)0b111_101_101, File.GetUnixFileMode(other));
        File.Delete(Path.Join(other, ".master-key.salt"));
        Answer lost = await host.Admin.PostAsync($"{TestHost.Kms}/reconfigure?dry_run=true", $$"""{"key_dir":"{{other}}"}""");
        Assert.Contains("put it back from a backup", lost.Expect(400).Message, StringComparison.Ordinal);
    }

    private static void CopyDirectory(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from).Where(static file => !file.EndsWith(".lock", StringComparison.Ordinal)))
        {
            File.Copy(file, Path.Join(to, Path.GetFileName(file)));
        }
    }

    [Theory]
    [InlineData("configure?dry_run=true", """{"backend_type":"static"}""", 409)]
    [InlineData("configure?dry_run=1", """{"backend_type":"static"}""", 400)]
    [InlineData("reconfigure?dry_run=maybe", "{}", 400)]
    [InlineData("reconfigure?dry_run=", "{}", 400)]
    [InlineData("reconfigure?dry_run=true", """{"default_key_id":"nobody"}""", 404)]
    [InlineData("reconfigure?dry_run=true", """{"key_dir":"relative"}""", 400)]
    [InlineData("reconfigure?dry_run=true", """{"key_dir":"/dev/null/none"}""", 500)]
    [InlineData("reconfigure?dry_run=true", """{"unknown":1}""", 400)]
    [InlineData("rollback?dry_run=true", """{"generation":99}""", 404)]
    [InlineData("decrypt-only/drop", """{"name":"local-9"}""", 404)]
    [InlineData("decrypt-only/drop", """{"force":true}""", 400)]
    [InlineData("decrypt-only/drop", """{"name":"local-9","unknown":1}""", 400)]
    public async Task WhatTheRealCallRefuses_IsRefused_AndLeavesEveryFileAsItWas(string route, string body, int expected)
    {
        await using TestHost host = await TestHost.StartRunningAsync();
        string[] before = Tree(host.Directory.FullPath);

        Answer answer = await host.Admin.PostAsync($"{TestHost.Kms}/{route}", body);

        Assert.Equal(expected, answer.Status);
        Assert.Equal(before, Tree(host.Directory.FullPath));
    }

    [Fact]
    public async Task Diff_ShowsFieldsAndNames_AndSecretsOnlyAsChanged()
    {
        await using TestHost host = await TestHost.StartRunningAsync();
        await PostAsync(host, "reconfigure", $$"""{"key_dir":"{{host.Directory.PathOf("other")}}","master_key":"{{Secret}}"}""");
        await PostAsync(host, "reconfigure", """{"timeout_seconds":9}""");

        JsonElement whole = await GetAsync(host, "config/diff?from=1&to=3");
        Assert.Equal(1, whole.GetProperty("from").GetProperty("generation").GetInt64());
        Assert.True(whole.GetProperty("changes").GetProperty("master_key").GetProperty("changed").GetBoolean());
        Assert.Equal(["local-1"], Texts(whole, "decrypt_only_added"));
        JsonElement last = await GetAsync(host, "config/diff");
        Assert.Equal((2, 3), (last.GetProperty("from").GetProperty("generation").GetInt64(), last.GetProperty("to").GetProperty("generation").GetInt64()));
        Assert.Equal(9, last.GetProperty("changes").GetProperty("timeout_seconds").GetProperty("after").GetInt64());
        Assert.False(last.GetProperty("changes").GetProperty("master_key").GetProperty("changed").GetBoolean());
        Assert.Equal("reconfigure", last.GetProperty("to").GetProperty("action").GetString());
        Assert.DoesNotContain(Secret, whole.GetRawText() + last.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(["local-1"], Texts(whole, "decrypt_only_added"));
        Assert.Equal(JsonValueKind.Null, (await GetAsync(host, "config/diff?to=1")).GetProperty("from").ValueKind);
        Assert.Equal("local-1", (await GetAsync(host, "config/history")).GetProperty("history")[0].GetProperty("decrypt_only")[0].GetString());
    }

    [Theory]
    [InlineData("from=0", 400)]
    [InlineData("from=-1", 400)]
    [InlineData("to=1e3", 400)]
    [InlineData("to=99999999999999999999", 400)]
    [InlineData("to=", 400)]
    [InlineData("to=%00", 400)]
    [InlineData("to=7", 404)]
    [InlineData("from=7", 404)]
    public async Task Diff_OfWhatIsNotAGeneration_IsRefused(string query, int expected)
    {
        await using TestHost host = await TestHost.StartRunningAsync();

        Answer answer = await host.Admin.GetAsync($"{TestHost.Kms}/config/diff?{query}");

        Assert.Equal(expected, answer.Status);
    }

    [Fact]
    public async Task Drop_IsRefusedWithoutForce_AndDoneWithIt()
    {
        await using TestHost host = await TestHost.StartRunningAsync();
        await PostAsync(host, "reconfigure", $$"""{"key_dir":"{{host.Directory.PathOf("other")}}"}""");

        Answer refused = await host.Admin.PostAsync($"{TestHost.Kms}/decrypt-only/drop", """{"name":"local-1"}""");
        Assert.Equal(409, refused.Status);
        await PostAsync(host, "decrypt-only/drop", """{"name":"local-1","force":true}""");

        Assert.Empty((await GetAsync(host, "status")).GetProperty("decrypt_only").EnumerateArray());
        Assert.Equal("drop", (await GetAsync(host, "config/history")).GetProperty("history")[0].GetProperty("action").GetString());
    }

    private static async Task<JsonElement> PostAsync(TestHost host, string route, string? body = null) =>
        Success(await host.Admin.PostAsync($"{TestHost.Kms}/{route}", body));

    private static async Task<JsonElement> GetAsync(TestHost host, string route) => Success(await host.Admin.GetAsync($"{TestHost.Kms}/{route}"));

    private static JsonElement Success(Answer answer) => answer.Expect(200).Json;

    private static string[] Texts(JsonElement answer, string member) => [.. answer.GetProperty(member).EnumerateArray().Select(static item => item.GetString()!)];

    /// <summary>Every entry of a directory with its mode, and the hash of its content; of a lock, which the daemon holds, its length.</summary>
    private static string[] Tree(string root) =>
    [
        .. Directory.EnumerateFileSystemEntries(root, "*", SearchOption.AllDirectories)
            .Where(static path => !path.EndsWith(".sock", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(static path => $"{path} {File.GetUnixFileMode(path)} {Content(path)}"),
    ];

    private static string Content(string path)
    {
        if (Directory.Exists(path))
        {
            return "directory";
        }

        return path.EndsWith(".lock", StringComparison.Ordinal)
            ? $"{new FileInfo(path).Length} bytes"
            : Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)));
    }
}
