namespace KmsSidecar.Api;

/// <summary>Where a route's request says which key it is about, so that a policy on keys can be judged before the request is parsed.</summary>
internal enum KeyScope
{
    /// <summary>Not about one key.</summary>
    None,

    /// <summary>The path's last segment.</summary>
    Path,

    /// <summary>Member <c>key_id</c> of the body; the parameter <c>keyId</c> where the body is empty.</summary>
    Body,

    /// <summary>Member <c>key_id</c> of the body; the default key where there is none.</summary>
    BodyOrDefault,

    /// <summary>The first of the parameters <c>keyId</c>, <c>key-id</c> and <c>key</c> that is not empty.</summary>
    Query,

    /// <summary>Member <c>KeyId</c> of an AWS KMS request.</summary>
    AwsKeyId,

    /// <summary>Member <c>KeyId</c> of an AWS KMS request; the default key where there is none.</summary>
    AwsKeyIdOrDefault,

    /// <summary>Member <c>DestinationKeyId</c> of an AWS KMS request.</summary>
    AwsDestinationKeyId,

    /// <summary>The key that the envelope in member <c>CiphertextBlob</c> names.</summary>
    AwsCiphertextBlob,
}
