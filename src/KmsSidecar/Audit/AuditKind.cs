namespace KmsSidecar.Audit;

/// <summary>What sort of operation a route is, for the record.</summary>
internal enum AuditKind
{
    /// <summary>Not an operation: it is polled, and tells nothing of keys or of people.</summary>
    None,

    /// <summary>Makes, opens or wraps data keys.</summary>
    DataKey,

    /// <summary>Looks at keys, at the configuration, or at who may do what.</summary>
    Read,

    /// <summary>Changes something, or gives out credentials: on disk before its answer.</summary>
    Admin,

    /// <summary>Was turned away before it was known who asks.</summary>
    Access,
}
