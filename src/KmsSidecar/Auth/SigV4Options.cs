namespace KmsSidecar.Auth;

/// <summary>What a signature may be made for.</summary>
internal sealed class SigV4Options
{
    /// <summary>In <see cref="Regions"/>: any region.</summary>
    public const string AnyRegion = "*";

    /// <summary>The header that names an operation of the AWS KMS API.</summary>
    public const string TargetHeader = "X-Amz-Target";

    /// <summary>The only service that is accepted with <see cref="TargetHeader"/>.</summary>
    public const string KeyService = "kms";

    /// <summary>The service that is only accepted on <c>POST /</c>, where the STS actions are.</summary>
    public const string TokenService = "sts";

    public IReadOnlyList<string> Regions { get; init; } = ["us-east-1"];

    public IReadOnlyList<string> Services { get; init; } = ["s3", KeyService, TokenService];

    /// <summary>Accepts <c>x-amz-content-sha256: UNSIGNED-PAYLOAD</c> for service <c>s3</c>, as RustFS's own clients send it.</summary>
    public bool AllowUnsignedPayload { get; init; } = true;

    /// <summary>Accepts signatures in the query on GET and HEAD.</summary>
    /// <remarks>Off unless asked for: such a URL is a credential, and URLs end up in logs and histories.</remarks>
    public bool AllowPresigned { get; init; }

    /// <summary>The <c>Host</c> values that are answered, <c>name</c> (any port) or <c>name:port</c>; empty for any.</summary>
    /// <remarks>RustFS serves the same paths under the same credentials: a pinned host keeps a request captured there from being replayed
    /// here.</remarks>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];
}
