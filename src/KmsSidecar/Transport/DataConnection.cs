using System.Net.Sockets;
using KmsSidecar.Audit;
using KmsSidecar.Crypto;
using KmsSidecar.Lifecycle;

namespace KmsSidecar.Transport;

internal enum Watched
{
    No,
    ForReading,
    ForWriting,
}

/// <summary>A connection that has sent nothing but plain requests so far. Its loop alone touches it.</summary>
/// <remarks>It holds buffers only while part of a request or of an answer waits, so an idle one costs next to nothing.</remarks>
internal sealed class DataConnection(Socket socket, Actor actor, AuditSubject subject) : IDisposable
{
    private SecretBuffer? _unread;
    private SecretBuffer? _unsent;
    private int _sent;

    public Socket Socket { get; } = socket;

    public int Descriptor { get; } = (int)socket.Handle;

    /// <summary>Who asks: the kernel's word.</summary>
    public Actor Actor { get; } = actor;

    /// <summary>The same, for the audit log.</summary>
    public AuditSubject Subject { get; } = subject;

    /// <summary>A handler works on its last request; until it has ended nothing is read.</summary>
    public bool IsBusy { get; set; }

    /// <summary>What its loop is woken for.</summary>
    public Watched Watched { get; set; }

    /// <summary>Kestrel takes over with the first unread byte, as soon as all is sent.</summary>
    public bool IsLeaving { get; set; }

    /// <summary>Its last answer, which says so, is written; it ends as soon as all is sent.</summary>
    public bool IsEnding { get; set; }

    /// <summary>A request has come over it.</summary>
    public bool HasAsked { get; set; }

    /// <summary>Milliseconds of <see cref="Environment.TickCount64"/> at the last byte in either direction.</summary>
    public long ActiveAt { get; set; } = Environment.TickCount64;

    public bool HasUnread => _unread is not null;

    public ReadOnlySpan<byte> Unread => _unread is null ? [] : _unread.WrittenSpan;

    public ReadOnlySpan<byte> Unsent => _unsent is null ? [] : _unsent.WrittenSpan[_sent..];

    /// <summary>Room to receive behind what is unread.</summary>
    public Span<byte> UnreadRoom(int atLeast) => (_unread ??= new SecretBuffer(atLeast)).GetSpan(atLeast);

    public void Received(int count) => _unread!.Advance(count);

    /// <summary>Keeps the end of what is there: of <see cref="Unread"/> itself, or of the loop's own buffer.</summary>
    public void KeepUnread(ReadOnlySpan<byte> rest)
    {
        if (rest.Length == Unread.Length)
        {
            return;
        }

        SecretBuffer? former = _unread;
        _unread = null;
        if (!rest.IsEmpty)
        {
            _unread = new SecretBuffer(rest.Length);
            rest.CopyTo(_unread.GetSpan(rest.Length));
            _unread.Advance(rest.Length);
        }

        former?.Dispose();
    }

    public void KeepUnsent(ReadOnlySpan<byte> rest)
    {
        _unsent ??= new SecretBuffer(rest.Length);
        rest.CopyTo(_unsent.GetSpan(rest.Length));
        _unsent.Advance(rest.Length);
    }

    public void Sent(int count)
    {
        _sent += count;
        if (Unsent.IsEmpty)
        {
            _unsent!.Dispose();
            _unsent = null;
            _sent = 0;
        }
    }

    /// <summary>Gives up the buffers, and not the socket.</summary>
    public void Dispose()
    {
        _unread?.Dispose();
        _unsent?.Dispose();
        _unread = _unsent = null;
    }
}
