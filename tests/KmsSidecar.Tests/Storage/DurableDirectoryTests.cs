using KmsSidecar.Errors;
using KmsSidecar.Storage;
using Xunit;

namespace KmsSidecar.Tests.Storage;

public sealed class DurableDirectoryTests : IDisposable
{
    private const string Name = "app-key.key";
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;

    private static readonly byte[] Old = "old"u8.ToArray();
    private static readonly byte[] New = "new"u8.ToArray();

    private readonly TempDirectory _temp = new();
    private readonly DurableDirectory _directory;

    public DurableDirectoryTests() => _directory = new DurableDirectory(_temp.FullPath, new SystemFileSteps());

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void Replace_WritesContentAndExactMode()
    {
        _directory.Replace(Name, Old, Mode);
        _directory.Replace(Name, New, Mode);
        Assert.Equal([Name], _directory.List());
        Assert.Equal(New, File.ReadAllBytes(_temp.PathOf(Name)));
        Assert.Equal(Mode, File.GetUnixFileMode(_temp.PathOf(Name)));
    }

    [Fact]
    public void Create_DoesNotClobber()
    {
        Assert.True(_directory.TryCreate(Name, Old, Mode));
        Assert.False(_directory.TryCreate(Name, New, Mode));
        Assert.Equal([Name], _directory.List());
        Assert.Equal(Old, File.ReadAllBytes(_temp.PathOf(Name)));
        Assert.Equal(Mode, File.GetUnixFileMode(_temp.PathOf(Name)));
    }

    [Fact]
    public void Create_DoesNotWriteThroughADanglingLink()
    {
        File.CreateSymbolicLink(_temp.PathOf(Name), _temp.PathOf("elsewhere"));
        Assert.False(_directory.TryCreate(Name, New, Mode));
        Assert.False(File.Exists(_temp.PathOf("elsewhere")));
    }

    [Fact]
    public void Delete_TellsWhetherThereWasAFile()
    {
        _directory.Replace(Name, Old, Mode);
        Assert.True(_directory.Delete(Name));
        Assert.False(_directory.Delete(Name));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("../x")]
    [InlineData("/etc/passwd")]
    [InlineData("a\0b")]
    public void Names_AreSingleComponents(string name) => Assert.Throws<ArgumentException>(() => _directory.TryRead(name, maxBytes: 1));

    [Theory]
    [InlineData(Errno.NoSpace, "the disk is full")]
    [InlineData(Errno.ReadOnlyFileSystem, "the file system is read-only")]
    [InlineData(Errno.AccessDenied, "permission denied")]
    [InlineData(Errno.QuotaExceeded, "the disk quota is used up")]
    public void RefusedStep_NamesPathAndReason_AndLeavesNoTemp(int errno, string reason)
    {
        int steps = Crashes.CountSteps(_ => { }, (path, counting) => new DurableDirectory(path, counting).Replace(Name, New, Mode));
        for (int step = 0; step < steps; step++)
        {
            _directory.Replace(Name, Old, Mode);
            DurableDirectory failing = new(_temp.FullPath, new FailingSteps(new SystemFileSteps(), step, errno));
            KmsException e = Assert.Throws<KmsException>(() => failing.Replace(Name, New, Mode));
            Assert.Equal(KmsError.StorageFailed, e.Error);
            Assert.StartsWith($"cannot write {_temp.PathOf(Name)}: {reason}", e.Message, StringComparison.Ordinal);
            Assert.Equal([Name], _directory.List());
            Assert.Equal(step < steps - 1 ? Old : New, File.ReadAllBytes(_temp.PathOf(Name)));
        }
    }

    [Fact]
    public void CreateThatIsRefused_CanBeRepeated()
    {
        // Also when the name was there already and only the directory could not be flushed. The last step, which removes the
        // temporary name, may fail.
        int steps = Crashes.CountSteps(_ => { }, (path, counting) => new DurableDirectory(path, counting).TryCreate(Name, New, Mode));
        for (int step = 0; step < steps - 1; step++)
        {
            DurableDirectory failing = new(_temp.FullPath, new FailingSteps(new SystemFileSteps(), step, Errno.NoSpace));
            Assert.Throws<KmsException>(() => failing.TryCreate(Name, New, Mode));
            Assert.Empty(_directory.List());
        }

        Assert.True(_directory.TryCreate(Name, New, Mode));
    }

    [Fact]
    public void Read_OfMissingFile_IsNull() => Assert.Null(_directory.TryRead(Name, maxBytes: 1));

    [Fact]
    public void Read_IsBounded()
    {
        File.WriteAllBytes(_temp.PathOf(Name), new byte[100]);
        Assert.Equal(100, _directory.TryRead(Name, maxBytes: 100)!.Length);
        Assert.Contains("longer than 99 bytes", Refusal(() => _directory.TryRead(Name, maxBytes: 99)), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_RefusesLinks_UnlessAsked()
    {
        File.WriteAllBytes(_temp.PathOf("target"), Old);
        File.CreateSymbolicLink(_temp.PathOf(Name), _temp.PathOf("target"));
        Assert.Contains("symbolic link", Refusal(() => _directory.TryRead(Name, maxBytes: 9)), StringComparison.Ordinal);
        Assert.Equal(Old, BoundedFile.TryRead(_temp.PathOf(Name), maxBytes: 9, followSymbolicLinks: true));
    }

    [Fact]
    public void Read_RefusesWhatIsNoFile()
    {
        Directory.CreateDirectory(_temp.PathOf(Name));
        Assert.Contains("not a regular file", Refusal(() => _directory.TryRead(Name, maxBytes: 9)), StringComparison.Ordinal);
        Assert.Contains("not a regular file", Refusal(() => BoundedFile.TryRead("/dev/zero", maxBytes: 9)), StringComparison.Ordinal);
    }

    [Fact]
    public void List_OfMissingDirectory_NamesIt()
    {
        DurableDirectory missing = new(_temp.PathOf("none"), new SystemFileSteps());
        Assert.Equal($"cannot list {_temp.PathOf("none")}: it does not exist", Refusal(() => missing.List()));
    }

    [Fact]
    public void EnsurePrivate_MakesMissingDirectories()
    {
        DurableDirectory nested = new(_temp.PathOf("a/b/"), new SystemFileSteps());
        Assert.Null(nested.EnsurePrivate());
        Assert.Equal(DurableDirectory.PrivateMode, File.GetUnixFileMode(_temp.PathOf("a")));
        Assert.Equal(DurableDirectory.PrivateMode, File.GetUnixFileMode(_temp.PathOf("a/b")));
    }

    [Fact]
    public void EnsurePrivate_NarrowsAndReports()
    {
        UnixFileMode loose = DurableDirectory.PrivateMode | UnixFileMode.GroupRead | UnixFileMode.OtherExecute;
        File.SetUnixFileMode(_temp.FullPath, loose);
        Assert.Equal(loose, _directory.EnsurePrivate());
        Assert.Equal(DurableDirectory.PrivateMode, File.GetUnixFileMode(_temp.FullPath));
        Assert.Null(_directory.EnsurePrivate());
    }

    [Fact]
    public void EnsurePrivate_OverAFile_SaysSo()
    {
        File.WriteAllBytes(_temp.PathOf("file"), []);
        DurableDirectory file = new(_temp.PathOf("file"), new SystemFileSteps());
        Assert.EndsWith("it is not a directory", Refusal(() => file.EnsurePrivate()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("app-key.tmp-0f8fad5b-d9cb-469f-a165-70867728950e", true)]
    [InlineData("a.tmp-b.tmp-0f8fad5b-d9cb-469f-a165-70867728950e", true)]
    [InlineData(".master-key.salt.tmp-0F8FAD5B-D9CB-469F-A165-70867728950E", true)]
    [InlineData(".tmp-0f8fad5b-d9cb-469f-a165-70867728950e", false)]
    [InlineData("app-key.tmp-0f8fad5bd9cb469fa16570867728950e", false)]
    [InlineData("app-key.tmp-0f8fad5b-d9cb-469f-a165-70867728950e.key", false)]
    [InlineData("app-key.tmp-", false)]
    [InlineData("app-key.tmp", false)]
    [InlineData("app-key.key", false)]
    public void Recover_TakesTempsOnly(string name, bool isTemp)
    {
        File.WriteAllBytes(_temp.PathOf(name), Old);
        _directory.Recover();
        Assert.Equal(!isTemp, File.Exists(_temp.PathOf(name)));
    }

    [Fact]
    public void Recover_LeavesDirectoriesAndTargetsOfLinks()
    {
        const string Uuid = "0f8fad5b-d9cb-469f-a165-70867728950e";
        Directory.CreateDirectory(_temp.PathOf($"folder.tmp-{Uuid}"));
        File.WriteAllBytes(_temp.PathOf("target"), Old);
        File.CreateSymbolicLink(_temp.PathOf($"link.tmp-{Uuid}"), _temp.PathOf("target"));
        _directory.Recover();
        Assert.Equal([$"folder.tmp-{Uuid}", "target"], _directory.List().Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("a.b.key", "a.b.tmp-")]
    [InlineData(".hidden", ".hidden.tmp-")]
    public void TempNames_AreStemAndUuid(string name, string expected)
    {
        string temp = TempName.For(name);
        Assert.StartsWith(expected, temp, StringComparison.Ordinal);
        Assert.True(TempName.Matches(temp));
    }

    private static string Refusal(Action action)
    {
        KmsException e = Assert.Throws<KmsException>(action);
        Assert.Equal(KmsError.StorageFailed, e.Error);
        return e.Message;
    }
}
