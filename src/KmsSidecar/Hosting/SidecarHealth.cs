using KmsSidecar.Api;
using KmsSidecar.Audit;
using KmsSidecar.Errors;
using KmsSidecar.Lifecycle;
using KmsSidecar.Operations;
using KmsSidecar.RustFs;
using KmsSidecar.Tls;

namespace KmsSidecar.Hosting;

/// <summary>What <c>/readyz</c> looks at: the service, and beside it what this daemon has of the rest.</summary>
internal static class SidecarHealth
{
    public static HealthChecks Of(KmsService service, CertificateKeeper? certificate, RustFsFollower? follower, AuditLog? audit, TimeProvider clock)
    {
        HealthChecks checks = new(service, new DataKeyProbe(service, clock), clock);
        if (certificate is not null)
        {
            checks.Add("certificate", () => LookAt(certificate));
        }

        if (follower is not null)
        {
            checks.Add("rustfs", () => follower.Status.LastError is { } error ? HealthFinding.Warning(error) : HealthFinding.Ok);
        }

        if (audit is not null)
        {
            checks.Add("audit", () => LookAt(audit));
        }

        return checks;
    }

    private static HealthFinding LookAt(CertificateKeeper certificate) =>
        certificate.FindFault() is { } fault ? HealthFinding.Fault(fault)
        : certificate.IsEnding ? HealthFinding.Warning($"{certificate.Source.Files.Certificate} ends soon, and nothing has renewed it")
        : HealthFinding.Ok;

    private static HealthFinding LookAt(AuditLog audit) =>
        audit.Fault is not { } fault ? HealthFinding.Ok
        : audit.Refuses ? HealthFinding.Refusing(KmsError.AuditUnavailable, fault)
        : HealthFinding.Fault(fault);
}
