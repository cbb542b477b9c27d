namespace KmsSidecar.Auth;

/// <summary>Whom an access key belongs to.</summary>
/// <param name="Name">The name that policies and audit entries use.</param>
/// <param name="IsOwner">The root credentials: every action is allowed, whatever policies say, as in RustFS.</param>
internal record Principal(string Name, bool IsOwner);

/// <summary>Who made a request whose signature and body have been verified.</summary>
/// <param name="AccessKey">The access key that signed.</param>
/// <param name="Principal">Its owner.</param>
/// <param name="Service">The service that the signature was made for, such as <c>s3</c> or <c>kms</c>.</param>
internal sealed record Caller(string AccessKey, Principal Principal, string Service);
