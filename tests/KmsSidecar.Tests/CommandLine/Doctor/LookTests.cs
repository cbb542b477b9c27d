using KmsSidecar.CommandLine.Doctor;
using KmsSidecar.CommandLine.Terminal;
using KmsSidecar.Options;
using KmsSidecar.Storage;
using KmsSidecar.Tests.Storage;
using Xunit;

namespace KmsSidecar.Tests.CommandLine.Doctor;

/// <summary>Looks at files of a made-up node.</summary>
public sealed class LookTests : IDisposable
{
    private readonly TempDirectory _root = new();
    private readonly Findings _findings = new();

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData(10_000, 100_000, 900, 1000, "Ok")]
    [InlineData(9_000, 100_000, 900, 1000, "Warning")]
    [InlineData(150, 200, 900, 1000, "Warning")]
    [InlineData(19, 20, 900, 1000, "Fault")]
    [InlineData(10_000, 20_000, 150, 10_000, "Warning")]
    [InlineData(10_000, 20_000, 99, 1000, "Fault")]
    [InlineData(10_000, 20_000, 0, 0, "Ok")]
    public void Disk_IsJudgedByBytesAndFiles(int freeMegabytes, int megabytes, int freeFiles, int files, string expected) =>
        Assert.Equal(expected, DiskLooks.Judge("/var", new FileSystemSpace(Bytes(freeMegabytes), Bytes(megabytes), (ulong)freeFiles, (ulong)files)).Verdict.ToString());

    [Fact]
    public void ADiskOfAnySize_IsJudged() =>
        Assert.Equal(Verdict.Ok, DiskLooks.Judge("/mnt", new FileSystemSpace(ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue)).Verdict);

    [Fact]
    public void ThisDisk_HasASize() => Assert.InRange(FileSystemSpace.Of(_root.FullPath)!.Value.Bytes, 1ul, ulong.MaxValue);

    [Fact]
    public async Task MemoryThatMayBeSwapped_IsAWarning_UnlessTheSwapIsEncrypted()
    {
        Process(locked: 0, core: "0", files: "65536", swaps: "/dev/zram0 partition 1 0 -2\n/dev/dm-1 partition 1 0 -2\n");
        Write("sys/class/block/dm-1/dm/uuid", "CRYPT-PLAIN-swap\n");
        Assert.Equal(Verdict.Ok, (await LookAtProcessAsync("locked memory")).Verdict);

        Process(locked: 0, core: "0", files: "65536", swaps: "/dev/sda2 partition 1 0 -2\n");
        Finding finding = await LookAtProcessAsync("locked memory");
        Assert.Equal(Verdict.Warning, finding.Verdict);
        Assert.Contains("/dev/sda2", finding.Sentence);
        Assert.Contains("LimitMEMLOCK=infinity", finding.Mend);

        Process(locked: 4096, core: "0", files: "65536", swaps: "/dev/sda2 partition 1 0 -2\n");
        Assert.Equal(Verdict.Ok, (await LookAtProcessAsync("locked memory")).Verdict);
    }

    [Fact]
    public async Task Limits_AreThoseOfTheDaemon()
    {
        Process(locked: 1, core: "unlimited", files: "1024", swaps: "");

        Assert.Contains("|/bin/collect", (await LookAtProcessAsync("core dumps")).Sentence);
        Assert.Equal((Verdict.Warning, "the daemon may open only 1024 files"), (_findings.All[^1].Finding.Verdict, _findings.All[^1].Finding.Sentence));
    }

    [Fact]
    public async Task AProcessThatHasEnded_IsNoCrash()
    {
        Write("proc/swaps", "");
        await new ProcessLooks(_findings, 7, _root.PathOf("proc"), _root.PathOf("sys")).RunAsync();

        Assert.All(_findings.All, static found => Assert.NotEqual(Verdict.Ok, found.Finding.Verdict));
    }

    [Fact]
    public async Task RustFs_ThatAsksAnotherPort_IsToldTheRightOne()
    {
        RustFs("https://localhost:9999", region: "us-east-1");
        await LookAtRustFsAsync();

        Finding finding = Found("endpoint");
        Assert.Equal((Verdict.Fault, 78), (finding.Verdict, finding.ExitCode));
        Assert.Equal("RustFS asks https://localhost:9999, where this daemon has no TLS listener", finding.Sentence);
        Assert.Contains("RUSTFS_KMS_AWS_ENDPOINT_URL=https://localhost:9021", finding.Mend);
    }

    [Fact]
    public async Task RustFs_AsThePackageSetsIt_IsWell()
    {
        RustFs("https://localhost:9021", region: "us-east-1");
        await LookAtRustFsAsync();

        Assert.All(_findings.All, static found => Assert.InRange(found.Finding.Verdict, Verdict.Ok, Verdict.Skipped));
    }

    [Fact]
    public async Task RustFs_EnvironmentFilesWin()
    {
        RustFs("https://localhost:9021", region: "us-east-1");
        Write("etc/systemd/system/rustfs.service.d/z.conf", $"[Service]\nEnvironmentFile=-{_root.PathOf("rustfs.env")}\n");
        Write("rustfs.env", "# old\nRUSTFS_KMS_AWS_REGION=\"eu-west-1\"\nAWS_SECRET_ACCESS_KEY=never-said\n");
        await LookAtRustFsAsync();

        Assert.Contains("eu-west-1", Found("region").Sentence);
        Assert.DoesNotContain("never-said", JsonText.Of(writer => FindingReport.WriteTo(writer, _findings)));
    }

    [Fact]
    public async Task WithoutRustFs_NothingIsSaidOfIt()
    {
        await LookAtRustFsAsync();
        Assert.Empty(_findings.All);
    }

    [Fact]
    public void StateThatOthersMayEnter_IsAFault()
    {
        Write("state/master.key", "x");
        File.SetUnixFileMode(_root.PathOf("state"), (UnixFileMode)0b111_101_101);

        Finding finding = OwnershipLooks.Judge(_root.PathOf("state"), new LocalAccounts());
        Assert.Equal((Verdict.Fault, 77, $"chmod 700 {_root.PathOf("state")}"), (finding.Verdict, finding.ExitCode, finding.Mend));

        File.SetUnixFileMode(_root.PathOf("state"), (UnixFileMode)0b111_000_000);
        Assert.Equal(Verdict.Ok, OwnershipLooks.Judge(_root.PathOf("state"), new LocalAccounts()).Verdict);
    }

    [Fact]
    public void Accounts_AreThoseOfTheFiles()
    {
        Write("etc/passwd", "root:x:0:0::/root:/bin/sh\nrustfs:x:990:991::/:/bin/false\nbroken\n");
        Write("etc/group", "root:x:0:\nrustfs:x:991:\nkms-sidecar:x:992:other,rustfs\n");
        LocalAccounts accounts = new(_root.FullPath);

        Assert.Equal((990u, "rustfs", "12345"), (accounts.FindUser("rustfs")!.Value, accounts.NameOfUser(990), accounts.NameOfUser(12345)));
        Assert.Equal([991u, 992u], accounts.GroupsOf("rustfs"));
        Assert.Null(accounts.FindUser("nobody"));
    }

    private static ulong Bytes(int megabytes) => (ulong)megabytes * 1_000_000;

    private void RustFs(string endpoint, string region)
    {
        Write("usr/lib/systemd/system/rustfs.service", "[Service]\nExecStart=/usr/bin/rustfs\nEnvironment=RUSTFS_KMS_ENABLE=false\n");
        Write(
            "etc/systemd/system/rustfs.service.d/kms-sidecar.conf",
            $"[Service]\nEnvironment=RUSTFS_KMS_ENABLE=true \"RUSTFS_KMS_BACKEND=aws\"\nEnvironment=RUSTFS_KMS_AWS_ENDPOINT_URL={endpoint}\nEnvironment=RUSTFS_KMS_AWS_REGION={region}\n");
    }

    private Task LookAtRustFsAsync()
    {
        DaemonOptions options = new()
        {
            Listen = [new ListenAddress(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 9021), IsTls: true)],
            Socket = _root.PathOf("kms.sock"),
            StateDirectory = _root.PathOf("state"),
            Regions = ["us-east-1"],
        };
        return new RustFsLooks(_findings, options, _root.FullPath).RunAsync();
    }

    private Finding Found(string name) => Assert.Single(_findings.All, found => found.Finding.Name == name).Finding;

    private async Task<Finding> LookAtProcessAsync(string name)
    {
        await new ProcessLooks(_findings, 7, _root.PathOf("proc"), _root.PathOf("sys")).RunAsync();
        return _findings.All.Last(found => found.Finding.Name == name).Finding;
    }

    private void Process(int locked, string core, string files, string swaps)
    {
        Write("proc/7/status", $"Name:\tx\nUid:\t0\t0\t0\t0\nVmLck:\t    {locked} kB\n");
        Write("proc/7/limits", $"Limit   Soft Limit   Hard Limit  Units\nMax core file size        {core}     unlimited   bytes\nMax open files            {files}     524288   files\n");
        Write("proc/swaps", $"Filename Type Size Used Priority\n{swaps}");
        Write("proc/sys/kernel/core_pattern", "|/bin/collect %p\n");
    }

    private void Write(string file, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_root.PathOf(file))!);
        File.WriteAllText(_root.PathOf(file), text);
    }
}
