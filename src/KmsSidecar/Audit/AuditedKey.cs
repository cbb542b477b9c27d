namespace KmsSidecar.Audit;

/// <summary>The key that an operation, or one of the items of an operation, was about. Nothing secret.</summary>
internal readonly struct AuditedKey
{
    /// <summary>Null when it is not known, or there is none.</summary>
    public string? KeyId { get; init; }

    /// <summary>0 when it is not known.</summary>
    public uint Version { get; init; }

    /// <summary>Of a rewrap: the key that the envelope was opened with.</summary>
    public string? FromKeyId { get; init; }

    public uint FromVersion { get; init; }

    /// <summary>The canonical encryption context; empty for none. Only a keyed hash of it is written.</summary>
    public ReadOnlyMemory<byte> Context { get; init; }

    /// <summary>The error's code; null when it went well.</summary>
    public string? Failure { get; init; }
}
