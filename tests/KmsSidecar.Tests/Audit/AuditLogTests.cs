using System.Text.Json;
using KmsSidecar.Audit;
using KmsSidecar.Errors;
using Xunit;

namespace KmsSidecar.Tests.Audit;

/// <summary>The log over the life of its node: processes that end well or badly, disks that fill, files that come and go.</summary>
public sealed class AuditLogTests : IDisposable
{
    private readonly AuditUnderTest _audit = new();

    public void Dispose() => _audit.Dispose();

    [Fact]
    public void Line_SaysWhoDidWhat()
    {
        _audit.Run(1);

        JsonElement line = Line("data_key");
        Assert.Equal("POST /v1/decrypt", line.GetProperty("operation").GetString());
        Assert.Equal("kms:Decrypt", line.GetProperty("action").GetString());
        Assert.Equal((1000, 1001, 1002), (line.GetProperty("uid").GetInt32(), line.GetProperty("gid").GetInt32(), line.GetProperty("pid").GetInt32()));
        Assert.Equal(("app", 3), (line.GetProperty("key_id").GetString(), line.GetProperty("key_version").GetInt32()));
        Assert.Equal(("ok", 200, 17, 2), (line.GetProperty("result").GetString(), line.GetProperty("status").GetInt32(), line.GetProperty("duration_us").GetInt32(), line.GetProperty("generation").GetInt32()));
        Assert.Equal("00000000000000000000000000000123", line.GetProperty("request_id").GetString());
        Assert.Equal(2 * AuditChain.ContextHashBytes, line.GetProperty("context_hash").GetString()!.Length);
        Assert.DoesNotContain("bucket", string.Concat(_audit.Lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a\"b\\c\u0000\n")]
    [InlineData("\ud83d\udd11")]
    public void Text_OfACaller_IsEscapedAndBounded(string text)
    {
        string id = text + string.Concat(Enumerable.Repeat("\ud83d\udd11", 300));
        using (AuditLog log = _audit.Open())
        {
            AuditUnderTest.AddData(log, id);
        }

        Assert.StartsWith(Line("data_key").GetProperty("key_id").GetString()!, id, StringComparison.Ordinal);
        Assert.Equal(0, _audit.Verify().FaultCount);
    }

    [Fact]
    public void Text_ThatIsNoUnicode_DoesNotStopTheLog()
    {
        using (AuditLog log = _audit.Open())
        {
            AuditUnderTest.AddData(log, "half\ud83d");
        }

        Assert.Equal("half\ufffd", Line("data_key").GetProperty("key_id").GetString());
        Assert.Equal(0, _audit.Verify().FaultCount);
    }

    [Fact]
    public void NextProcess_GoesOn()
    {
        _audit.Run(2);
        _audit.Run(2);

        Assert.Equal(2, _audit.Files.Length);
        AuditReport report = _audit.Verify();
        Assert.Equal((0L, 10L, 2L), (report.FaultCount, report.Records, report.Heads));
        Assert.Empty(report.Notes);
    }

    [Fact]
    public void HalfALine_IsPassedOver_AndSaid()
    {
        _audit.Run(2);
        File.AppendAllText(_audit.Files[0], "{\"seq\":6,\"ti");
        _audit.Run(1);

        Assert.Equal(0, _audit.Verify().FaultCount);
        Assert.Equal(12, Line("file").GetProperty("torn_bytes").GetInt32());
    }

    [Fact]
    public void FileWithoutALine_IsSetAside()
    {
        _audit.Run(1);
        File.WriteAllText(Path.Join(_audit.LogDirectory, AuditFileNames.Of(5)), "{\"seq\":5");
        _audit.Run(1);

        Assert.Equal(0, _audit.Verify().FaultCount);
        Assert.Single(Directory.GetFiles(_audit.LogDirectory, "*.torn"));
    }

    [Fact]
    public void CutEnd_StaysVisible()
    {
        _audit.Run(4);
        string[] lines = File.ReadAllLines(_audit.Files[0]);
        File.WriteAllLines(_audit.Files[0], lines[..3]);
        _audit.Run(1);

        AuditFault fault = Assert.Single(_audit.Verify().Faults);
        Assert.Equal(("removed", 4L), (fault.Kind, fault.Sequence));
    }

    [Fact]
    public void OldestFilesGo_AndTheLogSaysSo()
    {
        AuditSettings small = AuditUnderTest.Bounded with { FileBytes = 1, KeptBytes = 4096 };
        for (int i = 0; i < 8; i++)
        {
            _audit.Run(5, small);
        }

        AuditReport report = _audit.Verify();
        Assert.Equal(0, report.FaultCount);
        Assert.True(report.FirstSequence > 1);
        Assert.Contains(report.Notes, static note => note.Contains("to make room", StringComparison.Ordinal));
    }

    [Fact]
    public void FileThatIsTakenFromTheMiddle_IsMissed()
    {
        _audit.Run(1);
        _audit.Run(1);
        _audit.Run(1);
        File.Delete(_audit.Files[1]);

        AuditFault fault = Assert.Single(_audit.Verify().Faults);
        Assert.Equal(("removed", 5L), (fault.Kind, fault.Sequence));
    }

    [Fact]
    public async Task Change_IsOnDiskBeforeItsAnswer()
    {
        using AuditLog log = _audit.Open();

        Assert.True(await AuditUnderTest.ChangeAsync(log));

        Assert.Contains(_audit.Lines, static line => line.Contains("\"kind\":\"admin\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task FullDisk_Continues_AndCatchesUp()
    {
        using (AuditLog log = _audit.Open())
        {
            Assert.True(await AuditUnderTest.ChangeAsync(log));
            _audit.Disk.IsFull = true;
            Assert.True(await AuditUnderTest.ChangeAsync(log));
            Assert.NotNull(log.Fault);
            Assert.False(log.Refuses);
            while (AuditUnderTest.AddData(log))
            {
                // Until the queue is full, nothing is lost.
            }

            _audit.Disk.IsFull = false;
        }

        AuditReport report = _audit.Verify();
        Assert.Equal((0L, 1L), (report.FaultCount, report.Lost));
    }

    [Fact]
    public async Task FullDisk_RefusesWhereThatIsTheRule()
    {
        using AuditLog log = _audit.Open(AuditUnderTest.Bounded with { RefusesUnrecorded = true });
        _audit.Disk.IsFull = true;

        Assert.False(await AuditUnderTest.ChangeAsync(log));
        Assert.True(log.Refuses);

        _audit.Disk.IsFull = false;
    }

    [Fact]
    public async Task DeletedDirectory_IsMadeAgain()
    {
        using (AuditLog log = _audit.Open())
        {
            await AuditUnderTest.ChangeAsync(log);
            Directory.Delete(_audit.LogDirectory, recursive: true);
            await AuditUnderTest.ChangeAsync(log);
            await AuditUnderTest.ChangeAsync(log);
        }

        Assert.Equal("missing", Line("file").GetProperty("reason").GetString());
        Assert.Equal("removed", Assert.Single(_audit.Verify().Faults).Kind);
    }

    [Fact]
    public void SecondDaemon_IsRefused()
    {
        using AuditLog log = _audit.Open();

        KmsException fault = Assert.Throws<KmsException>(() => _audit.Open());

        Assert.Equal(FaultCause.Held, fault.Cause);
    }

    [Fact]
    public void FloodOfRefusals_IsHeldBack_AndCounted()
    {
        const int Flood = 1000;
        using (AuditLog log = _audit.Open())
        {
            for (int i = 0; i < Flood; i++)
            {
                AuditUnderTest.AddRefusal(log);
            }
        }

        JsonElement[] lines = [.. _audit.Lines.Select(static line => JsonDocument.Parse(line).RootElement)];
        int recorded = lines.Count(static line => line.GetProperty("kind").GetString() == "access");
        long heldBack = lines.Sum(static line => line.TryGetProperty("held_back", out JsonElement count) ? count.GetInt64() : 0);
        Assert.InRange(recorded, 100, 500);
        Assert.Equal(Flood, recorded + heldBack);
    }

    [Fact]
    public async Task ManyThreads_LoseNothing()
    {
        const int Each = 1_500;
        using (AuditLog log = _audit.Open())
        {
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
            {
                for (int i = 0; i < Each; i++)
                {
                    Assert.True(AuditUnderTest.AddData(log));
                }
            })));
        }

        AuditReport report = _audit.Verify();
        Assert.Equal((0L, 0L), (report.FaultCount, report.Lost));
        Assert.Equal(4 * Each, _audit.Lines.Count(static line => line.Contains("\"kind\":\"data_key\"", StringComparison.Ordinal)));
    }

    /// <summary>The last line of a kind.</summary>
    private JsonElement Line(string kind) => JsonDocument.Parse(_audit.Lines.Last(line => line.Contains($"\"kind\":\"{kind}\"", StringComparison.Ordinal))).RootElement;
}
