namespace KmsSidecar.Storage;

/// <summary>Which state of which file a path leads to: equal stamps are equal content, unless somebody sets the machine's clock back.</summary>
internal readonly record struct FileStamp((uint, uint, ulong) Identity, ulong Size, (long, uint) ChangedAt)
{
    /// <summary>Null when the path leads to no file that can be looked at. Follows symbolic links.</summary>
    public static FileStamp? Of(string path)
    {
        try
        {
            FileStatus status = Posix.Status(path);
            return new FileStamp(status.Identity, status.Size, status.ChangedAt);
        }
        catch (PosixException)
        {
            return null;
        }
    }
}
