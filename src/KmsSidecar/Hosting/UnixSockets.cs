using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using KmsSidecar.Options;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace KmsSidecar.Hosting;

/// <summary>Gives a Unix socket its mode and group.</summary>
internal static partial class UnixSockets
{
    private const uint Unchanged = uint.MaxValue;

    /// <summary>Binds, and sets mode and group between bind and listen, so that nobody connects under looser ones.</summary>
    public static Socket Bind(EndPoint endpoint, DaemonOptions options)
    {
        Socket socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        if (endpoint is UnixDomainSocketEndPoint unix)
        {
            try
            {
                Restrict(unix.ToString()!, options);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        return socket;
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint OwnUserId();

    private static void Restrict(string path, DaemonOptions options)
    {
        uint? group = path == options.AdminSocket ? options.AdminGroup : options.SocketGroup;
        if (group is { } number && ChangeOwner(path, Unchanged, number) != 0)
        {
            throw new ListenException(
                $"cannot give {path} to group {number}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        }

        File.SetUnixFileMode(path, options.SocketMode);
    }

    [LibraryImport("libc", EntryPoint = "chown", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int ChangeOwner(string path, uint user, uint group);
}
