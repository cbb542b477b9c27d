using System.Globalization;
using System.Text;
using KmsSidecar.Errors;
using KmsSidecar.Storage;
using Xunit;

namespace KmsSidecar.Tests.Storage;

public sealed class DirectoryLocksTests : IDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly DirectoryLocks _process = new();

    /// <summary>Stands for a second process: flock(2) belongs to the open file, and this object opens its own.</summary>
    private readonly DirectoryLocks _other = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void SecondProcess_IsRefused_AndToldWhoHolds()
    {
        using DirectoryLock held = _process.Acquire(_temp.FullPath);
        KmsException e = Assert.Throws<KmsException>(() => _other.Acquire(_temp.FullPath));
        Assert.Equal(KmsError.StorageFailed, e.Error);
        Assert.Contains(_temp.FullPath, e.Message, StringComparison.Ordinal);
        Assert.Contains($"(process {Environment.ProcessId})", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Holder_IsFoundWithoutTakingTheLock()
    {
        Assert.Null(DirectoryLocks.FindHolder(_temp.FullPath));
        Assert.Empty(Directory.GetFileSystemEntries(_temp.FullPath));
        using (_process.Acquire(_temp.FullPath))
        {
            Assert.Equal(Environment.ProcessId, DirectoryLocks.FindHolder(_temp.FullPath));
        }

        Assert.Null(DirectoryLocks.FindHolder(_temp.FullPath));
    }

    [Fact]
    public void SameProcess_SharesUntilTheLastLetsGo()
    {
        DirectoryLock old = _process.Acquire(_temp.FullPath);
        DirectoryLock fresh = _process.Acquire(_temp.FullPath + "/");
        Assert.True(old.IsFirst);
        Assert.False(fresh.IsFirst);

        old.Dispose();
        old.Dispose();
        Assert.Throws<KmsException>(() => _other.Acquire(_temp.FullPath));

        fresh.Dispose();
        using DirectoryLock taken = _other.Acquire(_temp.FullPath);
        Assert.True(taken.IsFirst);
    }

    [Fact]
    public void AnotherPathToTheDirectory_IsTheSameLock()
    {
        string link = _temp.PathOf("link");
        string real = Directory.CreateDirectory(_temp.PathOf("real")).FullName;
        Directory.CreateSymbolicLink(link, real);
        using DirectoryLock first = _process.Acquire(real);
        using DirectoryLock second = _process.Acquire(link);
        Assert.False(second.IsFirst);
        Assert.Throws<KmsException>(() => _other.Acquire(link));
    }

    [Fact]
    public void LockFile_IsPrivate_AndSaysOnlyThePresentHolder()
    {
        string file = _temp.PathOf(DirectoryLocks.FileName);
        File.WriteAllText(file, "4194304999 left by an earlier process");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        using DirectoryLock held = _process.Acquire(_temp.FullPath);
        // Not by the File class: it takes a lock of its own for reading.
        string content = Encoding.ASCII.GetString(BoundedFile.TryRead(file, maxBytes: 100)!);
        Assert.Equal(Environment.ProcessId.ToString(CultureInfo.InvariantCulture), content);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [Fact]
    public void MissingDirectory_IsNamed()
    {
        KmsException e = Assert.Throws<KmsException>(() => _process.Acquire(_temp.PathOf("none")));
        Assert.Equal($"cannot lock {_temp.PathOf("none")}: it does not exist", e.Message);
    }
}
