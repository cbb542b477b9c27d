using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace KmsSidecar.Hosting;

/// <summary>Sends events to systemd's journal with their parameters as fields, systemd.io/JOURNAL_NATIVE_PROTOCOL.</summary>
/// <param name="path">Of the journal's socket.</param>
/// <param name="otherwise">Gets what the journal does not take; this object's own.</param>
internal sealed class JournalSink(string path, ILogSink otherwise) : ILogSink
{
    public const string SocketPath = "/run/systemd/journal/socket";

    /// <summary>Of one value, so that an entry always fits into a datagram.</summary>
    private const int MaxValueChars = 4096;

    /// <summary>The journal refuses a longer name.</summary>
    private const int MaxNameChars = 64;

    private readonly UnixDomainSocketEndPoint _journal = new(path);
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly ArrayBufferWriter<byte> _entry = new();

    public void Write(LogEvent logged)
    {
        _entry.ResetWrittenCount();
        Add("MESSAGE", LineFormatter.TextOf(logged));
        Add("PRIORITY", LineFormatter.SeverityOf(logged.Level).ToString(CultureInfo.InvariantCulture));
        Add("SYSLOG_IDENTIFIER", "kms-sidecar");
        Add("KMS_EVENT_ID", logged.Id.ToString(CultureInfo.InvariantCulture));
        Add("KMS_CATEGORY", logged.Category);
        if (logged.RequestId is { } request)
        {
            Add(FieldOf(nameof(logged.RequestId)), request);
        }

        foreach ((string name, object? value) in logged.Values ?? [])
        {
            // {OriginalFormat} is no parameter.
            if (value is not null && char.IsAsciiLetter(name[0]))
            {
                Add(FieldOf(name), Convert.ToString(value, CultureInfo.InvariantCulture) ?? "");
            }
        }

        try
        {
            _socket.SendTo(_entry.WrittenSpan, _journal);
        }
        catch (SocketException)
        {
            otherwise.Write(logged);
        }
    }

    public void Dispose()
    {
        _socket.Dispose();
        otherwise.Dispose();
    }

    /// <summary><c>RequestId</c> is <c>KMS_REQUEST_ID</c>.</summary>
    private static string FieldOf(string parameter)
    {
        StringBuilder field = new("KMS");
        bool wasUpper = false;
        foreach (char c in parameter)
        {
            bool isUpper = char.IsAsciiLetterUpper(c);
            field.Append(isUpper && !wasUpper ? "_" : "").Append(char.IsAsciiLetterOrDigit(c) ? char.ToUpperInvariant(c) : '_');
            wasUpper = isUpper;
        }

        return field.ToString(0, Math.Min(field.Length, MaxNameChars));
    }

    private void Add(string name, string value)
    {
        value = value.Length > MaxValueChars ? value[..MaxValueChars] : value;
        Encoding.UTF8.GetBytes(name, _entry);
        if (value.Contains('\n', StringComparison.Ordinal))
        {
            // A length instead of an end: a line break in a value cannot begin another field.
            _entry.Write("\n"u8);
            BinaryPrimitives.WriteInt64LittleEndian(_entry.GetSpan(sizeof(long)), Encoding.UTF8.GetByteCount(value));
            _entry.Advance(sizeof(long));
        }
        else
        {
            _entry.Write("="u8);
        }

        Encoding.UTF8.GetBytes(value, _entry);
        _entry.Write("\n"u8);
    }
}
