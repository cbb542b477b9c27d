namespace KmsSidecar.Api;

/// <summary>What a caller must be allowed to do (RustFS's <c>kms:*</c> actions).</summary>
/// <param name="IsOwnerOnly">No policy grants it: it is for the root credentials and the admin socket.</param>
/// <param name="IsDenyOnly">Everybody who has signed may, unless a policy denies it.</param>
/// <param name="IsPublic">Needs no authentication and tells nothing secret: liveness, readiness, metrics.</param>
internal sealed record RouteAction(string Name, bool IsPublic = false, bool IsOwnerOnly = false, bool IsDenyOnly = false)
{
    public static readonly RouteAction Public = new("none", IsPublic: true);
    public static readonly RouteAction Configure = new("kms:Configure");
    /// <summary>Who may do what: whoever manages that could give themselves every right.</summary>
    public static readonly RouteAction ManageAccess = new("kms:ManageAccess", IsOwnerOnly: true);

    /// <summary>The STS endpoint: a session has no more rights than its user, so no policy need allow it.</summary>
    public static readonly RouteAction AssumeRole = new("sts:AssumeRole", IsDenyOnly: true);
    public static readonly RouteAction ServiceControl = new("kms:ServiceControl");
    public static readonly RouteAction ClearCache = new("kms:ClearCache");
    public static readonly RouteAction ListKeys = new("kms:ListKeys");
    public static readonly RouteAction DescribeKey = new("kms:DescribeKey");
    public static readonly RouteAction EnableKey = new("kms:EnableKey");
    public static readonly RouteAction DisableKey = new("kms:DisableKey");
    public static readonly RouteAction RotateKey = new("kms:RotateKey");
    public static readonly RouteAction DeleteKey = new("kms:DeleteKey");
    public static readonly RouteAction UpdateKeyDescription = new("kms:UpdateKeyDescription");
    public static readonly RouteAction TagResource = new("kms:TagResource");
    public static readonly RouteAction UntagResource = new("kms:UntagResource");
    public static readonly RouteAction GenerateDataKey = new("kms:GenerateDataKey");
    public static readonly RouteAction Encrypt = new("kms:Encrypt");
    public static readonly RouteAction Decrypt = new("kms:Decrypt");

    /// <summary>Needs no key, and tells nothing: a policy that denies <c>kms:*</c> takes it away.</summary>
    public static readonly RouteAction GenerateRandom = new("kms:GenerateRandom", IsDenyOnly: true);

    /// <summary>To be told that there is no such operation.</summary>
    public static readonly RouteAction UnknownOperation = new("kms:UnknownOperation", IsDenyOnly: true);
}
