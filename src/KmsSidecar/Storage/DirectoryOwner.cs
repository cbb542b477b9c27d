namespace KmsSidecar.Storage;

/// <summary>Lets root work in a directory that belongs to another user.</summary>
internal static class DirectoryOwner
{
    /// <summary>If this process is root and the path leads through another user's directory, it acts as that user from now on, so that the
    /// user can read what is made there, and cannot have root write anywhere else by way of a link. There is no way back.</summary>
    public static void ActAs(string directory)
    {
        if (Posix.EffectiveUserId() != 0)
        {
            return;
        }

        foreach (string path in FromTheTop(Path.GetFullPath(directory)).Where(Directory.Exists))
        {
            FileStatus status = Posix.Status(path);
            if (status.UserId != 0)
            {
                Posix.ActAs(status.UserId, status.GroupId);
                return;
            }
        }
    }

    /// <summary>The first directory on the way to a path that people other than its owner cannot enter; null when there is none.</summary>
    public static string? FindClosed(string directory) => FromTheTop(Path.GetFullPath(directory))
        .FirstOrDefault(static path => !File.GetUnixFileMode(path).HasFlag(UnixFileMode.OtherExecute));

    private static Stack<string> FromTheTop(string path)
    {
        Stack<string> paths = [];
        for (string? next = path; next is not null; next = Path.GetDirectoryName(next))
        {
            paths.Push(next);
        }

        return paths;
    }
}
