using CsCheck;
using KmsSidecar.Audit;
using Xunit;

namespace KmsSidecar.Tests.Audit;

/// <summary>What is done to a log behind the daemon's back is found, in its place.</summary>
public sealed class AuditVerifierTests : IDisposable
{
    private const int Records = 8;

    private readonly AuditUnderTest _audit = new();
    private readonly string _file;

    public AuditVerifierTests()
    {
        _audit.Run(Records);
        _file = Assert.Single(_audit.Files);
    }

    public void Dispose() => _audit.Dispose();

    [Fact]
    public void Untouched_IsClean()
    {
        AuditReport report = _audit.Verify();

        // The file's beginning, the end of the process, and the head.
        Assert.Equal((0L, Records + 3L, 1L, Records + 3L), (report.FaultCount, report.Records, report.FirstSequence, report.LastSequence));
        Assert.Equal((1L, Records + 3L), (report.Heads, report.SignedSequence));
        Assert.Empty(report.Notes);
    }

    [Fact]
    public void ChangedLine_IsFoundAlone() => AssertFault("changed", line: 5, sequence: 5, lines => lines[4] = lines[4].Replace("\"app\"", "\"ape\""));

    [Fact]
    public void RemovedLine_IsFound() => AssertFault("removed", line: 5, sequence: 5, lines => lines.RemoveAt(4));

    [Fact]
    public void SwappedLines_AreFound() => AssertFault("moved", line: 6, sequence: 5, lines => (lines[4], lines[5]) = (lines[5], lines[4]));

    [Fact]
    public void RepeatedLine_IsFound() => AssertFault("repeated", line: 6, sequence: 5, lines => lines.Insert(5, lines[4]));

    [Fact]
    public void ForeignLine_IsFound() => AssertFault("damaged", line: 6, sequence: 6, lines => lines.Insert(5, "{}"));

    [Theory]
    [InlineData("\"seq\":6", "\"seq\":9223372036854775807")]
    [InlineData("\"seq\":6", "\"count\":-9223372036854775808,\"seq\":6")]
    public void NumberBeyondAnyLog_IsFound(string number, string beyond) =>
        AssertFault("damaged", line: 6, sequence: 6, lines => lines[5] = lines[5].Replace(number, beyond));

    [Fact]
    public void LineThatIsStillWritten_IsNoFault()
    {
        File.AppendAllText(_file, """{"seq":12,"time":"2026-""");

        AuditReport report = _audit.Verify();

        Assert.Equal(0, report.FaultCount);
        Assert.Contains("in the middle of a line", Assert.Single(report.Notes));
    }

    [Fact]
    public void CutEnd_IsFoundOnTheNode() => AssertFault("cut", line: 6, sequence: Records + 3, lines => lines.RemoveRange(6, lines.Count - 6));

    [Fact]
    public void MissingBeginning_IsFound() => Assert.Contains(Tamper(static lines => lines.RemoveRange(0, 3)).Faults, static fault => fault.Kind == "removed" && fault.Sequence == 1);

    [Fact]
    public void EditedHead_IsFound() =>
        Assert.Contains(Tamper(static lines => lines[^1] = lines[^1].Replace("\"signature\":\"30", "\"signature\":\"31")).Faults, static fault => fault.Kind == "signature");

    [Fact]
    public void LogThatIsWrittenAnew_DoesNotPass()
    {
        using AuditUnderTest other = new();
        other.Run(Records);
        File.Copy(Assert.Single(other.Files), _file, overwrite: true);

        string[] kinds = [.. _audit.Verify().Faults.Select(static fault => fault.Kind).Order()];

        Assert.Equal(["key", "rewritten"], kinds);
    }

    [Fact]
    public void ChangedByte_IsFound_WhereverItIs()
    {
        byte[] original = File.ReadAllBytes(_file);
        for (int i = 0; i < original.Length; i += 5)
        {
            byte[] changed = [.. original];
            changed[i] ^= 1;
            File.WriteAllBytes(_file, changed);

            Assert.True(_audit.Verify().FaultCount > 0, $"byte {i}");
        }
    }

    [Fact]
    public void AnyBytes_AreTaken_AndRefused()
    {
        byte[] original = File.ReadAllBytes(_file);
        Gen.Select(Gen.Int[0, original.Length - 1], Gen.Int[0, 200], Gen.Byte.Array[0, 300]).Sample(
            (at, removed, added) =>
            {
                byte[] changed = [.. original[..at], .. added, .. original[Math.Min(original.Length, at + removed)..]];
                File.WriteAllBytes(_file, changed);

                Assert.Equal(changed.AsSpan().SequenceEqual(original), _audit.Verify().FaultCount == 0);
            },
            iter: 500,
            threads: 1);
    }

    [Fact]
    public void LineBeyondAnyLength_IsOneFault() =>
        AssertFault("damaged", line: 6, sequence: 6, lines => lines.Insert(5, new string('x', 10 * AuditChain.MaxLineBytes)));

    private void AssertFault(string kind, long line, long sequence, Action<List<string>> change)
    {
        AuditFault fault = Assert.Single(Tamper(change).Faults);

        Assert.Equal((Path.GetFileName(_file), line, sequence, kind), (fault.File, fault.Line, fault.Sequence, fault.Kind));
    }

    private AuditReport Tamper(Action<List<string>> change)
    {
        List<string> lines = [.. File.ReadAllLines(_file)];
        change(lines);
        File.WriteAllText(_file, string.Concat(lines.Select(static line => line + "\n")));
        return _audit.Verify();
    }
}
