using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using KmsSidecar.Errors;
using KmsSidecar.Options;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace KmsSidecar.Hosting;

/// <summary>Binds the sockets of the doors.</summary>
internal static partial class ListenSockets
{
    private const uint Unchanged = uint.MaxValue;

    private static readonly IPEndPoint UsualAddress = IPEndPoint.Parse(DaemonOption.Listen.Default);

    /// <exception cref="ListenException">The address or the path cannot be had.</exception>
    public static Socket Bind(EndPoint endpoint, DaemonOptions options)
    {
        try
        {
            return endpoint switch
            {
                UnixDomainSocketEndPoint path => BindUnix(path, options),
                _ when options.Development && endpoint.Equals(UsualAddress) => BindUsualOrAny(),
                _ => SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint),
            };
        }
        catch (SocketException refused)
        {
            throw ListenException.For(endpoint, refused);
        }
    }

    /// <summary>A second daemon that somebody tries out on this machine takes another port.</summary>
    private static Socket BindUsualOrAny()
    {
        try
        {
            return SocketTransportOptions.CreateDefaultBoundListenSocket(UsualAddress);
        }
        catch (SocketException taken) when (taken.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            return SocketTransportOptions.CreateDefaultBoundListenSocket(new IPEndPoint(UsualAddress.Address, port: 0));
        }
    }

    /// <summary>Sets mode and group between bind and listen, so that nobody connects under looser ones.</summary>
    private static Socket BindUnix(UnixDomainSocketEndPoint endpoint, DaemonOptions options)
    {
        Socket socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        try
        {
            Restrict(endpoint.ToString(), options);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void Restrict(string path, DaemonOptions options)
    {
        uint? group = path == options.AdminSocket ? options.AdminGroup : options.SocketGroup;
        if (group is { } number && ChangeOwner(path, Unchanged, number) != 0)
        {
            throw new ListenException(
                $"cannot give {path} to group {number}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}; run the daemon as a member of it, or with --allow-gid {number} and a socket that all may open",
                cause: FaultCause.NoPermission);
        }

        File.SetUnixFileMode(path, options.SocketMode);
    }

    [LibraryImport("libc", EntryPoint = "chown", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int ChangeOwner(string path, uint user, uint group);
}
