using System.Text;
using System.Text.Json;

namespace KmsSidecar.Audit;

/// <summary>What was asked, as each of its lines says it. Immutable; one for each route.</summary>
/// <param name="name">The route's.</param>
/// <param name="action">That policies are judged on; null for none.</param>
internal sealed class AuditOperation(AuditKind kind, string name, string? action)
{
    private readonly byte[] _members = Encoding.UTF8.GetBytes(
        $",\"kind\":\"{NameOf(kind)}\",\"operation\":\"{JsonEncodedText.Encode(name)}\"{(action is null ? "" : $",\"action\":\"{JsonEncodedText.Encode(action)}\"")}");

    /// <summary>Requests that were refused before it was known who sent them, or that found no route.</summary>
    public static AuditOperation Refused { get; } = new(AuditKind.Access, "none", action: null);

    /// <summary>Keys that were due for deletion are destroyed.</summary>
    public static AuditOperation Sweep { get; } = new(AuditKind.Admin, "sweep", "kms:DeleteKey");

    /// <summary>Credentials and users were read from their files again.</summary>
    public static AuditOperation Reload { get; } = new(AuditKind.Admin, "reload", action: null);

    public AuditKind Kind { get; } = kind;

    /// <summary>Members of the line, a comma before each.</summary>
    public ReadOnlySpan<byte> Members => _members;

    private static string NameOf(AuditKind kind) => kind switch
    {
        AuditKind.DataKey => "data_key",
        AuditKind.Read => "read",
        AuditKind.Admin => "admin",
        _ => "access",
    };
}
