namespace KmsSidecar.Access;

/// <summary>What <c>admin:ServerInfo</c> grants: it was the one action of RustFS's KMS routes before there were <c>kms:*</c> actions.</summary>
/// <remarks>Never a data key, whatever the mode: see <see cref="Policies.PolicyActions.UseKeys"/>.</remarks>
internal enum LegacyServerInfo
{
    /// <summary>Every admin route, as RustFS's playbook has it. A monitoring identity with this action can then delete keys.</summary>
    Full,

    /// <summary>The admin routes that change nothing.</summary>
    ReadOnly,

    /// <summary>Nothing, as in RustFS of today.</summary>
    Off,
}
