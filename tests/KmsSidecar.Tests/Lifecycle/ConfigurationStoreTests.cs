using System.Text;
using KmsSidecar.Errors;
using KmsSidecar.Lifecycle;
using KmsSidecar.Tests.Storage;
using Microsoft.Extensions.Logging;
using Xunit;

namespace KmsSidecar.Tests.Lifecycle;

/// <summary>What becomes of stored files that are damaged, moved, or read with the wrong key.</summary>
public sealed class ConfigurationStoreTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task EveryFlippedByte_IsFound_AndTheOneBeforeIsUsed()
    {
        ServiceUnderTest first = await PrepareAsync(3);
        string newest = Generation(3);
        byte[] good = await File.ReadAllBytesAsync(newest, TestContext.Current.CancellationToken);
        for (int i = 0; i < good.Length; i++)
        {
            byte[] bad = [.. good];
            bad[i] ^= 0x40;
            await File.WriteAllBytesAsync(newest, bad, TestContext.Current.CancellationToken);

            using ServiceUnderTest service = new(_directory.FullPath, first.Places);

            Assert.Equal(2, service.Look(static snapshot => snapshot.Generation));
            Assert.Equal(ServiceState.Running, service.State);
            Assert.Contains(service.Log.Lines, line => line.Level == LogLevel.Critical && line.Text.Contains(newest, StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(47)]
    [InlineData(-1)]
    public async Task TruncatedFile_IsPassedOver_AndItsNumberIsNotUsedAgain(int length)
    {
        ServiceUnderTest first = await PrepareAsync(3);
        using (FileStream file = File.OpenWrite(Generation(3)))
        {
            file.SetLength(length < 0 ? file.Length + length : length);
        }

        using ServiceUnderTest service = new(_directory.FullPath, first.Places);
        await service.ReconfigureAsync("""{"cache_ttl_seconds":77}""");

        Assert.Equal(4, service.Look(static snapshot => snapshot.Generation));
        Assert.True(File.Exists(Generation(3)), "the damaged file is left to be looked at");
    }

    [Fact]
    public async Task FilesThatChangedPlaces_DoNotOpen()
    {
        ServiceUnderTest first = await PrepareAsync(3);
        File.Move(Generation(3), Generation(9));
        File.Copy(Generation(2), Generation(3));

        using ServiceUnderTest service = new(_directory.FullPath, first.Places);

        Assert.Equal(2, service.Look(static snapshot => snapshot.Generation));
    }

    [Fact]
    public async Task WhenNothingOpens_TheServiceIsNotConfigured_AndSaysSo()
    {
        ServiceUnderTest first = await PrepareAsync(2);
        File.WriteAllText(Generation(1), "rubbish");
        File.WriteAllText(Generation(2), "rubbish");

        using ServiceUnderTest service = new(_directory.FullPath, first.Places);

        Assert.Equal(ServiceState.NotConfigured, service.State);
        Assert.Equal(2, service.Log.Lines.Count(static line => line.Level == LogLevel.Critical));
    }

    [Fact]
    public async Task DamagedRunState_CountsAsRunning()
    {
        ServiceUnderTest first = await PrepareAsync(1);
        File.WriteAllText(_directory.PathOf("configuration/running"), "rubbish");

        using ServiceUnderTest service = new(_directory.FullPath, first.Places);

        Assert.Equal(ServiceState.Running, service.State);
        Assert.Contains(service.Log.Lines, static line => line.Level == LogLevel.Critical && line.Text.Contains("running", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AnotherMasterKey_IsAnError_BeforeAnythingIsCalledDamaged()
    {
        await PrepareAsync(1);
        WriteMasterKey(new string('x', 44));

        KmsException refused = Assert.Throws<KmsException>(() => new ServiceUnderTest(_directory.FullPath));

        Assert.Contains("is not the one that sealed it", refused.Message, StringComparison.Ordinal);
        Assert.Contains(_directory.FullPath, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LostMasterKey_IsAnError_AndNotReplaced()
    {
        await PrepareAsync(1);
        File.Delete(_directory.PathOf("master.key"));

        KmsException refused = Assert.Throws<KmsException>(() => new ServiceUnderTest(_directory.FullPath));

        Assert.Contains("is gone", refused.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(_directory.PathOf("master.key")));
    }

    [Theory]
    [InlineData("short\n", "one line of 32")]
    [InlineData("0123456789abcdef0123456789abcdef\nsecond line\n", "one line of 32")]
    [InlineData("", "one line of 32")]
    public void MasterKeyThatIsNotOneLongLine_IsRefused(string content, string expected)
    {
        WriteMasterKey(content);

        KmsException refused = Assert.Throws<KmsException>(() => new ServiceUnderTest(_directory.FullPath));

        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("0123456789abcdef", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MasterKeyThatOthersCanRead_IsRefused_WithTheMend()
    {
        WriteMasterKey(new string('k', 44));
        File.SetUnixFileMode(_directory.PathOf("master.key"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);

        KmsException refused = Assert.Throws<KmsException>(() => new ServiceUnderTest(_directory.FullPath));

        Assert.Contains("chmod 600", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MasterKey_IsTheSameWithAndWithoutALineFeed()
    {
        ServiceUnderTest first = await PrepareAsync(1);
        string path = _directory.PathOf("master.key");
        WriteMasterKey((await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken)).TrimEnd('\n'));

        using ServiceUnderTest service = new(_directory.FullPath, first.Places);

        Assert.Equal(ServiceState.Running, service.State);
    }

    [Fact]
    public async Task StoredSecret_IsOnDiskInNoFile_AndComesBack()
    {
        using (ServiceUnderTest service = new(_directory.FullPath))
        {
            await service.ConfigureAsync("""{"backend_type":"local","key_dir":"/a","master_key":"hush-hush-hush"}""");
            await service.ReconfigureAsync("""{"key_dir":"/b"}""");
        }

        byte[] secret = Encoding.ASCII.GetBytes("hush-hush-hush");
        Assert.All(
            Directory.EnumerateFiles(_directory.FullPath, "*", SearchOption.AllDirectories),
            file => Assert.True(File.ReadAllBytes(file).AsSpan().IndexOf(secret) < 0, file));

        using ServiceUnderTest again = new(_directory.FullPath);
        using StoredGeneration stored = again.Store.LoadNewest()!;
        Assert.True(stored.Document.Secret(KmsSidecar.Configuration.ConfigurationField.MasterKey)!.Span.SequenceEqual(secret));
        Assert.True(stored.DecryptOnly[0].Document.Secret(KmsSidecar.Configuration.ConfigurationField.MasterKey)!.Span.SequenceEqual(secret));
        Assert.DoesNotContain("hush", stored.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task History_SaysWhoWhatWhenAndFromWhere()
    {
        ServiceUnderTest first = await PrepareAsync(2);
        using ServiceUnderTest service = new(_directory.FullPath, first.Places);
        using StoredGeneration newest = service.Store.LoadNewest()!;

        Assert.Equal(2, newest.Number);
        Assert.Equal(1, newest.Parent);
        Assert.Equal("reconfigure", newest.Action);
        Assert.Equal(ServiceUnderTest.Operator, newest.Actor);
        Assert.Equal(["cache_ttl_seconds"], newest.Changed);
        Assert.InRange(newest.SavedAt, DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow);
        Assert.Null(service.Store.ParentOf(1));
    }

    /// <summary>A service that has run through some generations and has ended.</summary>
    private async Task<ServiceUnderTest> PrepareAsync(int generations)
    {
        ServiceUnderTest service = new(_directory.FullPath);
        await service.RunAsync("/a");
        for (int i = 2; i <= generations; i++)
        {
            await service.ReconfigureAsync($$"""{"cache_ttl_seconds":{{i}}}""");
        }

        service.Dispose();
        return service;
    }

    private string Generation(int number) => _directory.PathOf($"configuration/{number:D10}.generation");

    private void WriteMasterKey(string content)
    {
        string path = _directory.PathOf("master.key");
        File.WriteAllText(path, content);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
