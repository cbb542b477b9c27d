using System.Net.Sockets;
using System.Text;
using KmsSidecar.Tests.Storage;
using Xunit;

namespace KmsSidecar.Tests.Support;

/// <summary>Stands where systemd does, sd_notify(3): keeps every message in its order.</summary>
internal sealed class NotifySocket : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

    public NotifySocket() => _socket.Bind(new UnixDomainSocketEndPoint(Path));

    public string Path => _directory.PathOf("notify");

    public (string Name, string Value) Variable => ("NOTIFY_SOCKET", Path);

    /// <summary>The next assignment, of whatever message, that begins so; those before it are gone.</summary>
    /// <exception cref="OperationCanceledException">Nothing came for a minute: whoever should send is dead.</exception>
    public async Task<string> NextAsync(string start)
    {
        byte[] buffer = new byte[8192];
        while (true)
        {
            using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            patience.CancelAfter(TimeSpan.FromMinutes(1));
            int length = await _socket.ReceiveAsync(buffer, patience.Token);
            string[] assignments = Encoding.UTF8.GetString(buffer, 0, length).Split('\n');
            if (assignments.FirstOrDefault(assignment => assignment.StartsWith(start, StringComparison.Ordinal)) is { } found)
            {
                return found;
            }
        }
    }

    public void Dispose()
    {
        _socket.Dispose();
        _directory.Dispose();
    }
}
