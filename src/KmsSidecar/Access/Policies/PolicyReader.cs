using System.Collections.Immutable;
using KmsSidecar.Errors;
using KmsSidecar.Json;

namespace KmsSidecar.Access.Policies;

/// <summary>Reads a policy's members and its statements.</summary>
internal static class PolicyReader
{
    private const int MaxStatements = 64;
    private const int MaxNameLength = 128;

    public static PolicyDocument Read(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > PolicyDocument.MaxBytes)
        {
            throw new KmsException(KmsError.MalformedRequest, $"the policy is longer than {PolicyDocument.MaxBytes} bytes");
        }

        string? id = null;
        ImmutableArray<PolicyStatement> statements = default;
        StrictObject members = new(utf8);
        while (members.Next())
        {
            switch (members.Name)
            {
                case "Version":
                    if (members.Text(MaxNameLength) is not ("" or PolicyDocument.Version))
                    {
                        throw members.Refuse($"is not \"{PolicyDocument.Version}\"");
                    }

                    break;
                case "Id" or "ID":
                    id = id is null ? ReadName(ref members) : throw members.Refuse("is given in both spellings");
                    break;
                case "Statement":
                    statements = OneOrMore(ref members, MaxStatements, static (ref item) => item.Nested(ReadStatement));
                    break;
                default:
                    throw members.Unknown();
            }
        }

        return statements.IsDefault ? throw members.RefuseAll("member 'Statement' is missing") : new PolicyDocument(id, statements);
    }

    /// <summary>A value, or an array of at least one.</summary>
    public static ImmutableArray<T> OneOrMore<T>(ref StrictObject members, int max, StrictObject.ItemReader<T> read)
    {
        if (!members.IsArray)
        {
            return [read(ref members)];
        }

        ImmutableArray<T> items = members.Items(max, read);
        return items.IsEmpty ? throw members.Refuse("is empty") : items;
    }

    /// <summary>A name for people; null where it is empty. It is printed on terminals, so it holds no control characters.</summary>
    public static string? ReadName(ref StrictObject members)
    {
        string name = members.Text(MaxNameLength);
        return name.Any(char.IsControl) ? throw members.Refuse("holds a control character") : name.Length == 0 ? null : name;
    }

    private static PolicyStatement ReadStatement(ref StrictObject members)
    {
        StatementMembers read = default;
        while (members.Next())
        {
            read.Take(ref members);
        }

        return read.Build(ref members);
    }
}
