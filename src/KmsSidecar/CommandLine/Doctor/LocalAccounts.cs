using System.Globalization;

namespace KmsSidecar.CommandLine.Doctor;

/// <summary>The users and groups in the files of this machine, passwd(5) and group(5).</summary>
/// <param name="root">Of the file system.</param>
internal sealed class LocalAccounts(string root = "/")
{
    private const int NumberColumn = 2;
    private const int GroupColumn = 3;

    public string NameOfUser(uint user) => NameOf("etc/passwd", user);

    public string NameOfGroup(uint group) => NameOf("etc/group", group);

    /// <summary>Null when there is no such user.</summary>
    public uint? FindUser(string name) => Lines("etc/passwd").FirstOrDefault(line => line[0] == name) is { } found ? Number(found, NumberColumn) : null;

    /// <summary>Numbers of all groups that a user is in.</summary>
    public IReadOnlyList<uint> GroupsOf(string user)
    {
        List<uint> groups = [.. Lines("etc/passwd").Where(line => line[0] == user).Select(static line => Number(line, GroupColumn))];
        groups.AddRange(Lines("etc/group")
            .Where(line => line.Length > GroupColumn && line[GroupColumn].Split(',').Contains(user))
            .Select(static line => Number(line, NumberColumn)));
        return groups;
    }

    private string NameOf(string file, uint number)
    {
        string text = number.ToString(CultureInfo.InvariantCulture);
        return Lines(file).FirstOrDefault(line => line[NumberColumn] == text)?[0] ?? text;
    }

    private IEnumerable<string[]> Lines(string file)
    {
        string path = Path.Join(root, file);
        return File.Exists(path) ? File.ReadLines(path).Select(static line => line.Split(':')).Where(static line => line.Length > NumberColumn) : [];
    }

    private static uint Number(string[] line, int column) =>
        line.Length > column && uint.TryParse(line[column], NumberStyles.None, CultureInfo.InvariantCulture, out uint number) ? number : uint.MaxValue;
}
