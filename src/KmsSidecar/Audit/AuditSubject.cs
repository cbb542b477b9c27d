using System.Globalization;
using System.Text;
using System.Text.Json;

namespace KmsSidecar.Audit;

/// <summary>Who asked and through which door, as each of their lines says it. Immutable; one for each connection, and over TCP for each request.</summary>
internal sealed class AuditSubject
{
    private readonly byte[] _members;

    private AuditSubject(string members) => _members = Encoding.UTF8.GetBytes(members);

    public static AuditSubject Unknown { get; } = new("");

    /// <summary>The daemon itself.</summary>
    public static AuditSubject Daemon { get; } = new(",\"surface\":\"daemon\"");

    /// <summary>Members of the line, a comma before each.</summary>
    public ReadOnlySpan<byte> Members => _members;

    /// <summary>The kernel's word. The process is the one that connected: it may have ended since.</summary>
    public static AuditSubject OnSocket(string surface, uint userId, uint groupId, int processId) =>
        new(string.Create(CultureInfo.InvariantCulture, $",\"surface\":\"{surface}\",\"uid\":{userId},\"gid\":{groupId},\"pid\":{processId}"));

    /// <param name="accessKey">That signed; null before a signature is verified.</param>
    /// <param name="user">Whose key it is: of a session, the user who started it.</param>
    public static AuditSubject OverTcp(string? address, string? accessKey = null, string? user = null) =>
        new($",\"surface\":\"tcp\"{Member("address", address)}{Member("access_key", accessKey)}{(user == accessKey ? "" : Member("user", user))}");

    private static string Member(string name, string? value) => value is null ? "" : $",\"{name}\":\"{JsonEncodedText.Encode(value)}\"";
}
