using System.Text;
using System.Text.Json;
using KmsSidecar.Errors;

namespace KmsSidecar.Audit;

/// <summary>Finds lines by the members that they have.</summary>
internal sealed class AuditSearch
{
    private readonly List<byte[]> _members = [];

    /// <summary>Asks for one value of a member; null for any. Text in a line has no quotes that are not escaped, so a member is found as it is written.</summary>
    public void Require(string member, string? value)
    {
        if (value is not null)
        {
            _members.Add(Encoding.UTF8.GetBytes($",\"{member}\":\"{JsonEncodedText.Encode(value)}\""));
        }
    }

    /// <summary>The newest lines that have them all, in their order.</summary>
    /// <exception cref="KmsException">StorageFailed: the directory or a file cannot be read.</exception>
    public IReadOnlyCollection<byte[]> FindLast(string directory, int count)
    {
        Queue<byte[]> found = [];
        try
        {
            foreach (string name in AuditFileNames.In(directory))
            {
                using AuditLineReader reader = new(File.OpenRead(Path.Join(directory, name)));
                while (reader.TryRead(out ReadOnlySpan<byte> line))
                {
                    Keep(found, count, line);
                }
            }
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw AuditFileNames.Unreadable(unreadable);
        }

        return found;
    }

    private void Keep(Queue<byte[]> found, int count, ReadOnlySpan<byte> line)
    {
        foreach (byte[] member in _members)
        {
            if (line.IndexOf(member) < 0)
            {
                return;
            }
        }

        if (found.Count == count)
        {
            found.Dequeue();
        }

        found.Enqueue(line.ToArray());
    }
}
