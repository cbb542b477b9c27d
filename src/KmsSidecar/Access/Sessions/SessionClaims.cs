using System.Buffers.Binary;
using System.Text;

namespace KmsSidecar.Access.Sessions;

/// <summary>What a session token says; it is sealed, so its holder can neither read nor change it.</summary>
/// <param name="AccessKey">The temporary access key that was issued with it, and no other may be used with it.</param>
/// <param name="Parent">Access key of the user whose session it is.</param>
/// <param name="ParentBinding">Stands for the secret that the parent had: another secret ends the session.</param>
/// <param name="Policy">The session's own policy as JSON; empty for none.</param>
internal sealed record SessionClaims(
    string AccessKey, string Parent, ReadOnlyMemory<byte> ParentBinding, DateTimeOffset IssuedAt, DateTimeOffset ExpiresAt, ReadOnlyMemory<byte> Policy)
{
    public const int BindingBytes = 16;

    private const byte Format = 1;

    private const int FixedBytes = 1 + 8 + 8 + BindingBytes + 1 + 1 + 2;

    /// <summary>
    /// <c>1 | issued(8) | expires(8) | binding(16) | length(1) access key | length(1) parent | length(2) policy</c>; times in seconds since
    /// 1970, numbers big-endian.
    /// </summary>
    public byte[] Encode()
    {
        byte[] encoded = new byte[FixedBytes + AccessKey.Length + Parent.Length + Policy.Length];
        encoded[0] = Format;
        Span<byte> rest = encoded.AsSpan(1);
        BinaryPrimitives.WriteInt64BigEndian(rest, IssuedAt.ToUnixTimeSeconds());
        BinaryPrimitives.WriteInt64BigEndian(rest[8..], ExpiresAt.ToUnixTimeSeconds());
        ParentBinding.Span.CopyTo(rest[16..]);
        rest = rest[(16 + BindingBytes)..];
        foreach (string name in (string[])[AccessKey, Parent])
        {
            rest[0] = (byte)name.Length;
            Encoding.ASCII.GetBytes(name, rest[1..]);
            rest = rest[(1 + name.Length)..];
        }

        BinaryPrimitives.WriteUInt16BigEndian(rest, (ushort)Policy.Length);
        Policy.Span.CopyTo(rest[2..]);
        return encoded;
    }

    /// <summary>Null when it is of another format. Only for what has been unsealed: it trusts the lengths.</summary>
    public static SessionClaims? Decode(ReadOnlySpan<byte> encoded)
    {
        if (encoded.Length < FixedBytes || encoded[0] != Format)
        {
            return null;
        }

        ReadOnlySpan<byte> rest = encoded[1..];
        DateTimeOffset issued = DateTimeOffset.FromUnixTimeSeconds(BinaryPrimitives.ReadInt64BigEndian(rest));
        DateTimeOffset expires = DateTimeOffset.FromUnixTimeSeconds(BinaryPrimitives.ReadInt64BigEndian(rest[8..]));
        byte[] binding = rest.Slice(16, BindingBytes).ToArray();
        rest = rest[(16 + BindingBytes)..];
        string accessKey = ReadName(ref rest);
        string parent = ReadName(ref rest);
        return new SessionClaims(
            accessKey, parent, binding, issued, expires, rest.Slice(2, BinaryPrimitives.ReadUInt16BigEndian(rest)).ToArray());
    }

    private static string ReadName(ref ReadOnlySpan<byte> rest)
    {
        string name = Encoding.ASCII.GetString(rest.Slice(1, rest[0]));
        rest = rest[(1 + name.Length)..];
        return name;
    }
}
