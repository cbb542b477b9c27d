using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
using KmsSidecar.Observability;

namespace KmsSidecar.CommandLine.Client;

/// <summary>Why a daemon could not be asked, and what to do about it.</summary>
internal static class Unreached
{
    private const string Start = "systemctl start kms-sidecar";

    public static CommandFault Explain(string where, bool isSocket, HttpRequestException unreached) => (unreached.InnerException, isSocket) switch
    {
        (SocketException { SocketErrorCode: SocketError.AccessDenied }, true) => new CommandFault(
            ExitCode.NoPermission, $"no permission for {where}: it is for root, the daemon's own user and its --admin-group", inner: unreached),
        (SocketException { SocketErrorCode: SocketError.ConnectionRefused }, true) => new CommandFault(
            ExitCode.Unavailable, $"nothing listens on {where}: the daemon has ended", Start, unreached),
        (SocketException, true) when !File.Exists(where) => new CommandFault(
            ExitCode.Unavailable, $"there is no socket {where}: start the daemon, or name its socket with --admin-socket", Start, unreached),
        (SocketException { SocketErrorCode: SocketError.ConnectionRefused }, false) => new CommandFault(
            ExitCode.Unavailable, $"nothing listens on {where}: the daemon is not there, or listens elsewhere (--listen)", inner: unreached),
        (AuthenticationException refused, false) => new CommandFault(
            ExitCode.Unavailable,
            PrintableText.Of($"no TLS with {where}: {refused.Message}; --ca-file names the authority that signed the daemon's certificate, --endpoint a host that is in it"),
            inner: unreached),
        ({ } cause, _) when cause is not SocketException => Stranger(where, unreached),
        _ => new CommandFault(
            ExitCode.Unavailable, PrintableText.Of($"the daemon at {where} cannot be asked: {unreached.Message}"), inner: unreached),
    };

    /// <summary>What answers is something else.</summary>
    public static CommandFault Stranger(string where, Exception odd) =>
        new(ExitCode.Unavailable, $"what answers at {where} is not this program's daemon", inner: odd);

    public static CommandFault Late(string where, TimeSpan patience, Exception late) => new(
        ExitCode.Unavailable,
        string.Create(
            CultureInfo.InvariantCulture,
            $"the daemon at {where} did not answer in {patience.TotalSeconds:0} s; a change may go on all the same, and --timeout waits longer"),
        "kms-sidecar status",
        late);
}
