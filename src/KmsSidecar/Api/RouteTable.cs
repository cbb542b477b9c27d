using System.Collections.Immutable;
using System.Text.Json;
using KmsSidecar.Api.AwsKms;
using KmsSidecar.Audit;
using static KmsSidecar.Api.Surface;

namespace KmsSidecar.Api;

/// <summary>Every route of the daemon, as data.</summary>
internal static class RouteTable
{
    /// <summary>Under which the admin routes are; <see cref="Router"/> takes MinIO's prefix for the same.</summary>
    public const string AdminPrefix = "/rustfs/admin/v3";

    /// <summary>Body limit of RustFS's admin routes.</summary>
    private const int AdminBody = 1024 * 1024;

    /// <summary>For what waits for nobody.</summary>
    public static readonly TimeSpan Quick = TimeSpan.FromSeconds(10);

    /// <summary>For changes that open a backend; beyond the longest time that a configuration may give one.</summary>
    private static readonly TimeSpan Patient = TimeSpan.FromMinutes(10);

    public static ImmutableArray<Route> Build(
        LifecycleRoutes lifecycle,
        StatusRoutes status,
        DiffRoutes diff,
        KeyRoutes keys,
        KeyChangeRoutes keyChanges,
        DataKeyRoutes dataKeys,
        RewrapRoutes rewraps,
        PolicyRoutes policies,
        UserRoutes users,
        StsRoutes sts,
        AwsKmsRoutes aws,
        HealthRoutes health) =>
    [
        Change("configure", RouteAction.Configure, lifecycle.ConfigureAsync, lifecycle.WriteState),
        Change("reconfigure", RouteAction.Configure, lifecycle.ReconfigureAsync, lifecycle.WriteState),
        Change("rollback", RouteAction.Configure, lifecycle.RollbackAsync, lifecycle.WriteState),
        Change("decrypt-only/drop", RouteAction.Configure, lifecycle.DropDecryptOnlyAsync, lifecycle.WriteState),
        Change("start", RouteAction.ServiceControl, lifecycle.StartAsync, lifecycle.WriteState),
        Change("stop", RouteAction.ServiceControl, lifecycle.StopAsync, lifecycle.WriteState),

        Read("status", RouteAction.ServiceControl, AuditKind.None, status.StatusAsync),
        Admin("POST", "status", RouteAction.ServiceControl, AuditKind.None, AdminBody, Quick, status.StatusAsync),
        Read("service-status", RouteAction.ServiceControl, AuditKind.None, status.ServiceStatusAsync),
        Read("config", RouteAction.Configure, AuditKind.Read, status.ConfigAsync),
        Read("config/history", RouteAction.Configure, AuditKind.Read, lifecycle.HistoryAsync),
        Read("config/diff", RouteAction.Configure, AuditKind.Read, diff.DiffAsync),
        Admin("POST", "clear-cache", RouteAction.ClearCache, AuditKind.Admin, AdminBody, Quick, status.ClearCacheAsync),

        Change("keys", RouteAction.Configure, keys.CreateAsync, KeyRoutes.WriteNoCreatedKey),
        Change("create-key", RouteAction.Configure, keys.CreateLegacyAsync, KeyRoutes.WriteNoCreatedKey),
        Change("key/create", RouteAction.Configure, keys.CreateLegacyAsync, KeyRoutes.WriteNoCreatedKey),
        Read("keys", RouteAction.ListKeys, AuditKind.Read, keys.ListAsync, KeyRoutes.WriteNoPage),
        Read("list-keys", RouteAction.ListKeys, AuditKind.Read, keys.ListLegacyAsync, KeyRoutes.WriteNoPage),
        Read("keys/{key_id}", RouteAction.DescribeKey, AuditKind.Read, keys.DescribeAsync, KeyRoutes.WriteNoDescription, KeyScope.Path),
        Read("describe-key", RouteAction.DescribeKey, AuditKind.Read, keys.DescribeLegacyAsync, KeyRoutes.WriteNoDescription, KeyScope.Query),
        Read("key/status", RouteAction.DescribeKey, AuditKind.Read, keys.DescribeLegacyAsync, KeyRoutes.WriteNoDescription, KeyScope.Query),
        Change("keys/enable", RouteAction.EnableKey, keyChanges.EnableAsync, KeyChangeRoutes.WriteNoChange, KeyScope.Body),
        Change("keys/disable", RouteAction.DisableKey, keyChanges.DisableAsync, KeyChangeRoutes.WriteNoChange, KeyScope.Body),
        Change("keys/rotate", RouteAction.RotateKey, keyChanges.RotateAsync, KeyChangeRoutes.WriteNoChange, KeyScope.Body),
        Change(
            "keys/update-description", RouteAction.UpdateKeyDescription, keyChanges.UpdateDescriptionAsync, KeyChangeRoutes.WriteNoChange, KeyScope.Body),
        Change("keys/tag", RouteAction.TagResource, keyChanges.TagAsync, KeyChangeRoutes.WriteNoChange, KeyScope.Body),
        Change("keys/untag", RouteAction.UntagResource, keyChanges.UntagAsync, KeyChangeRoutes.WriteNoChange, KeyScope.Body),
        Change("keys/cancel-deletion", RouteAction.DeleteKey, keyChanges.CancelDeletionAsync, KeyChangeRoutes.WriteNoChange, KeyScope.Body),
        Admin(
            "DELETE", "keys/delete", RouteAction.DeleteKey, AuditKind.Admin, AdminBody, Patient, keyChanges.DeleteAsync, KeyChangeRoutes.WriteNoDeletion, KeyScope.Body),
        Admin(
            "POST", "generate-data-key", RouteAction.GenerateDataKey, AuditKind.DataKey, DataKeyRequest.MaxBodyBytes, Quick, dataKeys.GenerateForAdminAsync,
            key: KeyScope.BodyOrDefault),

        Admin("POST", "policies/check", RouteAction.ManageAccess, AuditKind.Read, AdminBody, Quick, policies.CheckAsync),
        Admin("GET", "policies", RouteAction.ManageAccess, AuditKind.Read, AdminBody, Quick, users.ListPoliciesAsync),
        Admin("GET", "policies/{name}", RouteAction.ManageAccess, AuditKind.Read, AdminBody, Quick, users.DescribePolicyAsync),
        Admin("PUT", "policies/{name}", RouteAction.ManageAccess, AuditKind.Admin, AdminBody, Quick, users.PutPolicyAsync),
        Admin("DELETE", "policies/{name}", RouteAction.ManageAccess, AuditKind.Admin, AdminBody, Quick, users.DeletePolicyAsync),
        Admin("GET", "users", RouteAction.ManageAccess, AuditKind.Read, AdminBody, Quick, users.ListAsync),
        Admin("POST", "users", RouteAction.ManageAccess, AuditKind.Admin, AdminBody, Quick, users.CreateAsync),
        Admin("POST", "users/update", RouteAction.ManageAccess, AuditKind.Admin, AdminBody, Quick, users.UpdateAsync),
        Admin("GET", "users/{access_key}", RouteAction.ManageAccess, AuditKind.Read, AdminBody, Quick, users.DescribeAsync),
        Admin("DELETE", "users/{access_key}", RouteAction.ManageAccess, AuditKind.Admin, AdminBody, Quick, users.DeleteAsync),
        new("POST", "/", Tcp, RouteAction.AssumeRole, AuditKind.Admin, KeyScope.None, StsRoutes.MaxBodyBytes, Quick, sts.RunAsync, Dialect: Dialect.Sts),
        .. aws.Routes,

        Data("POST", "generate-data-key", RouteAction.GenerateDataKey, AuditKind.DataKey, dataKeys.GenerateAsync, KeyScope.BodyOrDefault),
        Data("POST", "decrypt", RouteAction.Decrypt, AuditKind.DataKey, dataKeys.DecryptAsync),
        Data("POST", "encrypt", RouteAction.Encrypt, AuditKind.DataKey, dataKeys.EncryptAsync, KeyScope.BodyOrDefault),
        Data("POST", "rewrap", RouteAction.Encrypt, AuditKind.DataKey, rewraps.RewrapAsync, KeyScope.Body),
        Data("GET", "keys/{key_id}", RouteAction.DescribeKey, AuditKind.Read, keys.DescribeForDataAsync, KeyScope.Path),
        Data("GET", "status", RouteAction.ServiceControl, AuditKind.None, status.DataStatusAsync),

        // A POST, to be served where data keys are.
        new("POST", "/v1/livez", DataSocket, RouteAction.Public, AuditKind.None, KeyScope.None, MaxBodyBytes: 0, Quick, HealthRoutes.LiveAsync),

        Probe("/livez", HealthRoutes.LiveAsync),
        Probe("/readyz", health.ReadyAsync),
        Probe("/metrics", health.MetricsAsync),
    ];

    private static Route Change(
        string name, RouteAction action, RouteHandler handler, Action<Utf8JsonWriter, Call> failure, KeyScope key = KeyScope.None) =>
        Admin("POST", name, action, AuditKind.Admin, AdminBody, Patient, handler, failure, key);

    /// <summary>A GET may carry a body (awscurl's <c>-d</c> without <c>-X POST</c>): its hash is checked, its content is not read.</summary>
    private static Route Read(
        string name, RouteAction action, AuditKind audit, RouteHandler handler, Action<Utf8JsonWriter, Call>? failure = null, KeyScope key = KeyScope.None) =>
        Admin("GET", name, action, audit, AdminBody, Quick, handler, failure, key);

    private static Route Admin(
        string method,
        string name,
        RouteAction action,
        AuditKind audit,
        int body,
        TimeSpan time,
        RouteHandler handler,
        Action<Utf8JsonWriter, Call>? failure = null,
        KeyScope key = KeyScope.None) =>
        new(method, $"{AdminPrefix}/kms/{name}", Tcp | AdminSocket, action, audit, key, body, time, handler, failure);

    private static Route Data(string method, string name, RouteAction action, AuditKind audit, RouteHandler handler, KeyScope key = KeyScope.None) =>
        new(method, $"/v1/{name}", DataSocket, action, audit, key, DataKeyRequest.MaxBodyBytes, Quick, handler);

    private static Route Probe(string path, RouteHandler handler) =>
        new("GET", path, Tcp | AdminSocket, RouteAction.Public, AuditKind.None, KeyScope.None, MaxBodyBytes: 0, Quick, handler);
}
