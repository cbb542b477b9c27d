namespace KmsSidecar.Api;

/// <summary>The protocol that a caller speaks: which form failures and request ids have.</summary>
internal enum Dialect
{
    /// <summary>Our JSON; S3's XML for what the signature or a policy refuses.</summary>
    Native,

    /// <summary>AWS STS, query protocol: XML.</summary>
    Sts,

    /// <summary>AWS KMS, JSON 1.1.</summary>
    AwsKms,
}
