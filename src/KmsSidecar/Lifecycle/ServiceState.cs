namespace KmsSidecar.Lifecycle;

/// <summary>The playbook's states.</summary>
internal enum ServiceState
{
    NotConfigured,
    Configured,
    Running,

    /// <summary>A start failed; the snapshot says why.</summary>
    Error,
}
