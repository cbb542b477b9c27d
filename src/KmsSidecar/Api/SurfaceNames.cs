using KmsSidecar.Audit;
using KmsSidecar.Auth;

namespace KmsSidecar.Api;

/// <summary>What the audit log calls the Unix sockets, and who is at their other end.</summary>
internal static class SurfaceNames
{
    public static AuditSubject SubjectOf(this Surface surface, PeerCredentials peer) => AuditSubject.OnSocket(
        surface == Surface.AdminSocket ? "admin_socket" : "data_socket", peer.UserId, peer.GroupId, peer.ProcessId);
}
