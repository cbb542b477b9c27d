using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using KmsSidecar.Hosting;
using KmsSidecar.Tests.Storage;
using Microsoft.Extensions.Logging;
using Xunit;

namespace KmsSidecar.Tests.Hosting;

/// <summary>What the journal gets, read from a socket of the journal's kind.</summary>
public sealed partial class JournalTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly Socket _journal = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly StringWriter _errors = new();

    public JournalTests() => _journal.Bind(new UnixDomainSocketEndPoint(_directory.PathOf("journal")));

    public void Dispose()
    {
        _journal.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task Parameters_AreFields()
    {
        Write(static log => Log.Refused(log, "GET /x", 7));

        Dictionary<string, string> fields = await ReceiveAsync();

        Assert.Equal(
            new Dictionary<string, string>
            {
                ["MESSAGE"] = "GET /x refused: 7",
                ["PRIORITY"] = "4",
                ["SYSLOG_IDENTIFIER"] = "kms-sidecar",
                ["KMS_EVENT_ID"] = "42",
                ["KMS_CATEGORY"] = "rustfs::kms::test",
                ["KMS_ROUTE"] = "GET /x",
                ["KMS_REQUEST_ID"] = "7",
            },
            fields);
        Assert.Equal("", _errors.ToString());
    }

    [Fact]
    public async Task LineBreak_BeginsNoField()
    {
        Write(static log => Log.Refused(log, "a\nPRIORITY=0\nKMS_CATEGORY=forged", 7));

        Dictionary<string, string> fields = await ReceiveAsync();

        Assert.Equal("a PRIORITY=0 KMS_CATEGORY=forged refused: 7", fields["MESSAGE"]);
        Assert.Equal("a\nPRIORITY=0\nKMS_CATEGORY=forged", fields["KMS_ROUTE"]);
        Assert.Equal(("4", "rustfs::kms::test"), (fields["PRIORITY"], fields["KMS_CATEGORY"]));
    }

    [Fact]
    public async Task LongValue_IsCut()
    {
        Write(static log => Log.Refused(log, new string('x', 1_000_000), 7));

        Assert.Equal(new string('x', 4096), (await ReceiveAsync())["KMS_ROUTE"]);
    }

    [Fact]
    public void NoJournal_IsALineOnStandardError()
    {
        _journal.Dispose();

        Write(static log => Log.Refused(log, "GET /x", 7));

        Assert.Equal("<4>rustfs::kms::test[42] GET /x refused: 7\n", _errors.ToString());
    }

    private void Write(Action<ILogger> write)
    {
        LineFormatter lines = new(toJournal: true, TimeProvider.System);
        using LogProvider provider = new(new JournalSink(_directory.PathOf("journal"), new LineSink(lines.Format, _errors)));
        write(provider.CreateLogger("rustfs::kms::test"));
    }

    /// <summary>As journald reads it: a name, and either = and the rest of the line, or a line break, a length and so many bytes.</summary>
    private async Task<Dictionary<string, string>> ReceiveAsync()
    {
        byte[] buffer = new byte[64 * 1024];
        int length = await _journal.ReceiveAsync(buffer, TestContext.Current.CancellationToken);
        Dictionary<string, string> fields = [];
        for (int at = 0; at < length;)
        {
            int name = buffer.AsSpan(at).IndexOfAny((byte)'=', (byte)'\n');
            int value = at + name + 1;
            bool isBinary = buffer[at + name] == '\n';
            int count = isBinary
                ? (int)BinaryPrimitives.ReadInt64LittleEndian(buffer.AsSpan(value))
                : buffer.AsSpan(value).IndexOf((byte)'\n');
            value += isBinary ? sizeof(long) : 0;
            fields.Add(Encoding.ASCII.GetString(buffer, at, name), Encoding.UTF8.GetString(buffer, value, count));
            at = value + count + 1;
        }

        return fields;
    }

    private static partial class Log
    {
        [LoggerMessage(42, LogLevel.Warning, "{Route} refused: {RequestId}")]
        public static partial void Refused(ILogger log, string route, int requestId);
    }
}
