using System.Numerics;
using KmsSidecar.Api;
using KmsSidecar.Auth;
using KmsSidecar.Observability;

namespace KmsSidecar.Hosting;

/// <summary>Counts processes that came to a Unix socket and are not on its list, and logs them without letting one of them fill the log.</summary>
internal sealed partial class RefusedCallers(TimeProvider clock, ILoggerFactory logs)
{
    private static readonly (Surface Surface, string Labels)[] Doors =
        [(Surface.DataSocket, "surface=\"data_socket\""), (Surface.AdminSocket, "surface=\"admin_socket\"")];

    private readonly ILogger _log = logs.CreateLogger("rustfs::kms::access");
    private readonly LogThrottle _throttle = new(clock, TimeSpan.FromSeconds(1));

    /// <summary>By the bit of the surface.</summary>
    private readonly long[] _counts = new long[3];

    public void AddTo(Metrics metrics) => metrics.Add(
        "kms_sidecar_refused_connections_total",
        MetricType.Counter,
        "Connections to a Unix socket by processes that are not on its allow-list.",
        text =>
        {
            foreach ((Surface surface, string labels) in Doors)
            {
                text.Add(Interlocked.Read(ref CountOf(surface)), labels);
            }
        });

    public void Count(Surface surface, PeerCredentials peer)
    {
        Interlocked.Increment(ref CountOf(surface));
        if (_throttle.TryPass(out long others))
        {
            Log.CallerRefused(_log, surface, peer.UserId, peer.GroupId, peer.ProcessId, others);
        }
    }

    private ref long CountOf(Surface surface) => ref _counts[BitOperations.Log2((uint)surface)];

    private static partial class Log
    {
        [LoggerMessage(EventIds.CallerRefused, LogLevel.Warning,
            "{Surface} refused uid {Uid} gid {Gid} pid {Pid}: not on the allow-list; {Others} more since the last such line")]
        public static partial void CallerRefused(ILogger log, Surface surface, uint uid, uint gid, int pid, long others);
    }
}
