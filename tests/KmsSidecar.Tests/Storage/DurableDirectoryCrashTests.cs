using KmsSidecar.Storage;
using Xunit;

namespace KmsSidecar.Tests.Storage;

public sealed class DurableDirectoryCrashTests
{
    private const string Name = "state.json";
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly byte[] Old = "the old content"u8.ToArray();
    private static readonly byte[] New = "the new content, which is longer"u8.ToArray();

    [Fact]
    public void Replace_LeavesOldOrNew() => Check(Old, New, directory => directory.Replace(Name, New, Mode));

    [Fact]
    public void ReplaceOfNothing_LeavesNothingOrNew() => Check(null, New, directory => directory.Replace(Name, New, Mode));

    [Fact]
    public void Create_LeavesNothingOrNew() => Check(null, New, directory => directory.TryCreate(Name, New, Mode));

    [Fact]
    public void CreateOverExisting_LeavesOld() => Check(Old, Old, directory => directory.TryCreate(Name, New, Mode));

    [Fact]
    public void Delete_LeavesOldOrNothing() => Check(Old, null, directory => directory.Delete(Name));

    [Fact]
    public void MissingDirectories_AreMadeAgain()
    {
        int crashes = Crashes.Every(
            _ => { },
            (parent, steps) => new DurableDirectory(Path.Join(parent, "a", "b"), steps).EnsurePrivate(),
            (parent, where) =>
            {
                DurableDirectory directory = new(Path.Join(parent, "a", "b"), new SystemFileSteps());
                directory.EnsurePrivate();
                Assert.True(directory.List() is [], where);
            });

        // Two directories, each made and flushed; stopped before and after; three aftermaths.
        Assert.Equal(2 * 2 * 2 * 3, crashes);
    }

    [Fact]
    public void PublishedFile_IsDurableAfterRecovery()
    {
        using TempDirectory temp = new();
        VolatileDisk disk = new();
        StoppingSteps beforeTheLastFlush = new(disk, stopAt: 5, StopPoint.Before);
        Assert.Throws<ProcessStoppedException>(() => new DurableDirectory(temp.FullPath, beforeTheLastFlush).Replace(Name, New, Mode));
        DurableDirectory directory = new(temp.FullPath, disk);
        Assert.Equal(New, directory.TryRead(Name, maxBytes: 100));
        directory.Recover();
        disk.LosePower(keepNames: false);
        Assert.Equal(New, directory.TryRead(Name, maxBytes: 100));
    }

    [Fact]
    public void MissingDirectories_AreDurable()
    {
        using TempDirectory temp = new();
        VolatileDisk disk = new();
        new DurableDirectory(temp.PathOf("a/b"), disk).EnsurePrivate();
        disk.LosePower(keepNames: false);
        Assert.True(Directory.Exists(temp.PathOf("a/b")));
    }

    private static void Check(byte[]? before, byte[]? after, Action<DurableDirectory> work)
    {
        Crashes.Every(
            path => Prepare(path, before),
            (path, steps) => work(new DurableDirectory(path, steps)),
            (path, where) =>
            {
                DurableDirectory directory = new(path, new SystemFileSteps());
                directory.Recover();
                Assert.True(directory.List() is [] or [Name], where);
                AssertEither(before, after, directory.TryRead(Name, maxBytes: 100), where);

                work(directory);
                Assert.Equal(after, directory.TryRead(Name, maxBytes: 100));
            });

        WhenItReturns_ItIsDurable(before, after, work);
    }

    private static void WhenItReturns_ItIsDurable(byte[]? before, byte[]? after, Action<DurableDirectory> work)
    {
        using TempDirectory temp = new();
        Prepare(temp.FullPath, before);
        VolatileDisk disk = new();
        DurableDirectory directory = new(temp.FullPath, disk);
        work(directory);
        disk.LosePower(keepNames: false);
        Assert.Equal(after, directory.TryRead(Name, maxBytes: 100));
    }

    private static void Prepare(string path, byte[]? before)
    {
        if (before is not null)
        {
            File.WriteAllBytes(Path.Join(path, Name), before);
        }
    }

    private static void AssertEither(byte[]? before, byte[]? after, byte[]? found, string where)
    {
        bool isBefore = found is null ? before is null : before is not null && found.AsSpan().SequenceEqual(before);
        bool isAfter = found is null ? after is null : after is not null && found.AsSpan().SequenceEqual(after);
        Assert.True(isBefore || isAfter, where);
    }
}
