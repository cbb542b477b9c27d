namespace KmsSidecar.Auth;

/// <summary>The assignments of a credentials file, as places in its content: a copy of the secret would be one more to wipe.</summary>
internal sealed class CredentialLines
{
    private readonly List<string> _faults = [];
    private bool _hasSection;

    private CredentialLines()
    {
    }

    /// <summary>Where the value of an assignment stands.</summary>
    internal readonly record struct Assignment(int Line, Range Value);

    public Assignment? AccessKey { get; private set; }

    public Assignment? SecretKey { get; private set; }

    public IReadOnlyList<string> Faults => _faults;

    public static CredentialLines Read(ReadOnlySpan<byte> content)
    {
        CredentialLines lines = new();
        int number = 0;
        foreach (Range line in content.Split((byte)'\n'))
        {
            number++;
            (int start, int length) = line.GetOffsetAndLength(content.Length);
            if (lines.Add(content, Trim(content, start..(start + length)), number) is string fault)
            {
                lines._faults.Add($"line {number}: {fault}");
            }
        }

        if (lines.AccessKey is null)
        {
            lines._faults.Add("there is no RUSTFS_ACCESS_KEY=, access_key= or aws_access_key_id=");
        }

        if (lines.SecretKey is null)
        {
            lines._faults.Add("there is no RUSTFS_SECRET_KEY=, secret_key= or aws_secret_access_key=");
        }

        return lines;
    }

    private string? Add(ReadOnlySpan<byte> content, Range range, int number)
    {
        ReadOnlySpan<byte> line = content[range];
        if (line.IsEmpty || line[0] is (byte)'#' or (byte)';')
        {
            return null;
        }

        if (line[0] == '[' && line[^1] == ']')
        {
            // Of several profiles, any choice would be the wrong one for somebody.
            bool isSecond = _hasSection;
            _hasSection = true;
            return isSecond ? "a second [section]; only one is read" : null;
        }

        int equals = line.IndexOf((byte)'=');
        if (equals < 0)
        {
            return "neither NAME=value, nor a comment, nor a [section]";
        }

        bool isAccessKey = IsOneOf(line[..equals].TrimEnd(" \t"u8), "RUSTFS_ACCESS_KEY"u8, "access_key"u8, "aws_access_key_id"u8);
        bool isSecretKey = IsOneOf(line[..equals].TrimEnd(" \t"u8), "RUSTFS_SECRET_KEY"u8, "secret_key"u8, "aws_secret_access_key"u8);
        if (!isAccessKey && !isSecretKey)
        {
            return null;
        }

        Range text = Trim(content, (range.Start.Value + equals + 1)..range.End.Value);
        string? fault = Unquote(content, ref text);
        Assignment assignment = new(number, text);
        if (isAccessKey)
        {
            fault ??= AccessKey is null ? null : "the access key is set a second time";
            AccessKey ??= assignment;
        }
        else
        {
            fault ??= SecretKey is null ? null : "the secret key is set a second time";
            SecretKey ??= assignment;
        }

        return fault;
    }

    private static string? Unquote(ReadOnlySpan<byte> content, ref Range range)
    {
        ReadOnlySpan<byte> text = content[range];
        byte quote = text.IsEmpty ? (byte)0 : text[0];
        if (quote is not ((byte)'"' or (byte)'\''))
        {
            quote = 0;
        }
        else if (text.Length < 2 || text[^1] != quote || text[1..^1].Contains(quote))
        {
            return "a quote is not closed at the end of the line";
        }
        else
        {
            range = (range.Start.Value + 1)..(range.End.Value - 1);
        }

        // systemd reads an escape here, the AWS tools a backslash; between single quotes both read what is written.
        return quote != '\'' && text.Contains((byte)'\\') ? "a backslash outside single quotes" : null;
    }

    private static bool IsOneOf(ReadOnlySpan<byte> name, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third) =>
        name.SequenceEqual(first) || name.SequenceEqual(second) || name.SequenceEqual(third);

    private static Range Trim(ReadOnlySpan<byte> content, Range range)
    {
        ReadOnlySpan<byte> blanks = " \t\r"u8;
        int start = range.Start.Value + (content[range].Length - content[range].TrimStart(blanks).Length);
        return start..(start + content[range].Trim(blanks).Length);
    }
}
