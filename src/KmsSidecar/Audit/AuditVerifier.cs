using System.Security.Cryptography;
using KmsSidecar.Errors;

namespace KmsSidecar.Audit;

/// <summary>Reads a log from its first line to its last and finds what was removed, changed, moved or cut off. docs/audit.md has the rules.</summary>
/// <remarks>A line is judged by the line before it as that stands there, so that one that was changed does not make those behind it wrong.</remarks>
/// <param name="keys">That heads have to be signed with.</param>
/// <param name="known">How far the log was, by the node's own word; null where that is not to be had.</param>
internal sealed class AuditVerifier(AuditKeys keys, AuditPosition? known)
{
    private readonly AuditGaps _gaps = new();
    private readonly byte[] _hashed = new byte[SHA256.HashSizeInBytes + AuditChain.MaxLineBytes];
    private string _file = "";
    private long _line;

    /// <summary>The number that the next record should have; 0 before the first.</summary>
    private long _next;

    /// <summary>The line before, in the order of the file; null when it cannot be gone on from.</summary>
    private AuditPosition? _former;

    /// <summary>Lines since the last good one that are none of the log.</summary>
    private long _unreadable;

    private long _tornBytes;
    private long _through;
    private (long Count, long Last, string Name) _foreign;

    public AuditReport Report { get; } = new();

    /// <param name="progress">Told, now and then, how many bytes have been read.</param>
    /// <exception cref="KmsException">StorageFailed: the directory or a file cannot be read.</exception>
    public void Verify(string directory, Action<long> progress)
    {
        try
        {
            long before = 0;
            foreach (string name in AuditFileNames.In(directory))
            {
                using AuditLineReader reader = new(File.OpenRead(Path.Join(directory, name)));
                VerifyFile(name, reader, () => progress(before + reader.Position));
                before += reader.Position;
            }
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw AuditFileNames.Unreadable(unreadable);
        }

        Conclude();
    }

    private void VerifyFile(string name, AuditLineReader reader, Action progress)
    {
        const int ProgressEvery = 4096;
        (_file, _line) = (name, 0);
        Report.Files++;
        while (reader.TryRead(out ReadOnlySpan<byte> line))
        {
            _line = reader.LineNumber;
            if (AuditEntry.TryParse(line, out AuditEntry? entry))
            {
                VerifyLine(line, entry);
            }
            else
            {
                Refuse(_next, "damaged", "this is not a whole line of the log");
                _unreadable++;
                _former = null;
            }

            if (_line % ProgressEvery == 0)
            {
                progress();
            }
        }

        _tornBytes = reader.TornBytes;
    }

    private void VerifyLine(ReadOnlySpan<byte> line, AuditEntry entry)
    {
        Report.Records++;
        if (_line == 1)
        {
            VerifyBeginning(entry);
        }

        if (_next == 0)
        {
            Report.FirstSequence = _next = entry.Sequence;
        }

        Place(entry.Sequence);
        byte[]? before = entry.FormerHash ?? (_former?.Sequence == entry.Sequence - 1 ? _former.Hash : null);
        if (before is not null && !IsHashed(before, line[..entry.HashedLength], entry.Hash))
        {
            Refuse(entry.Sequence, "changed", $"record {entry.Sequence} is not what was written: its hash does not fit it");
        }

        VerifyKind(entry, before);
        VerifyKnown(entry);
        _former = new AuditPosition(entry.Sequence, entry.Hash);
        Report.LastSequence = Math.Max(Report.LastSequence, entry.Sequence);
    }

    /// <summary>The first line of a file says what the file goes on from.</summary>
    private void VerifyBeginning(AuditEntry entry)
    {
        if (entry.FormerHash is null)
        {
            Refuse(entry.Sequence, "removed", "the file does not begin with its first line");
        }
        else if (_former?.Sequence == entry.Sequence - 1 && !_former.Hash.AsSpan().SequenceEqual(entry.FormerHash))
        {
            Refuse(entry.Sequence, "rewritten", $"the file goes on from another record {entry.Sequence - 1} than the file before ends with");
        }

        if (_tornBytes != entry.TornBytes)
        {
            Refuse(entry.Sequence, "damaged", $"{_tornBytes} bytes stand behind the last line of the file before, and the daemon found {entry.TornBytes}");
        }
    }

    private void Place(long sequence)
    {
        if (sequence > _next)
        {
            if (sequence - _next > _unreadable)
            {
                _gaps.Add(new AuditGaps.Gap(_next, sequence - 1, _file, _line));
            }
        }
        else if (sequence < _next)
        {
            bool isMoved = _gaps.Fill(sequence);
            Refuse(
                sequence,
                isMoved ? "moved" : "repeated",
                isMoved ? $"record {sequence} stands behind record {_next - 1}" : $"record {sequence} is there a second time");
        }

        _next = Math.Max(_next, sequence + 1);
        _unreadable = 0;
    }

    private bool IsHashed(ReadOnlySpan<byte> before, ReadOnlySpan<byte> line, ReadOnlySpan<byte> expected)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        if (before.Length != hash.Length || line.Length > AuditChain.MaxLineBytes)
        {
            return false;
        }

        before.CopyTo(_hashed);
        line.CopyTo(_hashed.AsSpan(before.Length));
        SHA256.HashData(_hashed.AsSpan(0, before.Length + line.Length), hash);
        return hash.SequenceEqual(expected);
    }

    private void VerifyKind(AuditEntry entry, byte[]? before)
    {
        switch (entry.Kind)
        {
            case "head" when before is not null:
                VerifyHead(entry, before);
                break;
            case "removed":
                _through = Math.Max(_through, entry.Through);
                break;
            case "lost":
                Report.Lost += entry.Count;
                break;
        }
    }

    private void VerifyHead(AuditEntry entry, byte[] before)
    {
        string name = entry.KeyName ?? "";
        if (!keys.Has(name))
        {
            _foreign = (_foreign.Count + 1, entry.Sequence, name);
            return;
        }

        if (keys.Verify(name, new AuditPosition(entry.Sequence - 1, before).HeadText, entry.Signature))
        {
            Report.Heads++;
            Report.SignedSequence = Math.Max(Report.SignedSequence, entry.Sequence);
        }
        else
        {
            Refuse(entry.Sequence, "signature", $"the head does not sign record {entry.Sequence - 1}: it, or what it stands behind, was written by someone else");
        }
    }

    private void VerifyKnown(AuditEntry entry)
    {
        if (entry.Sequence == known?.Sequence && !known.Hash.AsSpan().SequenceEqual(entry.Hash))
        {
            Refuse(entry.Sequence, "rewritten", $"record {entry.Sequence} is not the one that this node has signed");
        }
    }

    private void Conclude()
    {
        foreach (AuditGaps.Gap gap in _gaps.Open)
        {
            string which = gap.From == gap.To ? $"record {gap.From} is" : $"records {gap.From} to {gap.To} are";
            Report.Add(new AuditFault(gap.File, gap.Line, gap.From, "removed", $"{which} missing before this line"));
        }

        ConcludeEnds();
        ConcludeHeads();
        if (Report.Lost > 0)
        {
            Report.AddNote($"{Report.Lost} operations were done without a record, while the log could not be written");
        }
    }

    private void ConcludeEnds()
    {
        if (Report.FirstSequence - 1 > _through)
        {
            Report.Add(new AuditFault(
                _file, 0, 1, "removed", $"the log begins with record {Report.FirstSequence}, and no record says that those before it were removed to make room"));
        }
        else if (Report.FirstSequence > 1)
        {
            Report.AddNote($"records 1 to {Report.FirstSequence - 1} were removed to make room, as the log itself says");
        }

        if (known is not null && known.Sequence > Report.LastSequence)
        {
            Report.Add(new AuditFault(
                _file, _line, known.Sequence, "cut", $"the log ends with record {Report.LastSequence}, and this node has signed record {known.Sequence}"));
        }

        if (_tornBytes > 0)
        {
            Report.AddNote($"{_file} ends in the middle of a line: the daemon is writing it, or was killed and has not been started since");
        }
    }

    private void ConcludeHeads()
    {
        if (_foreign.Last > Report.SignedSequence)
        {
            Report.Add(new AuditFault(
                _file, 0, _foreign.Last, "key", $"the heads up to record {_foreign.Last} are signed with key {_foreign.Name}, which is not the one that is trusted here"));
        }
        else if (_foreign.Count > 0)
        {
            Report.AddNote(
                $"{_foreign.Count} heads up to record {_foreign.Last} are signed with a former key, {_foreign.Name}; the heads behind them vouch for those records, too");
        }

        if (Report.LastSequence > Report.SignedSequence)
        {
            Report.AddNote($"records {Report.SignedSequence + 1} to {Report.LastSequence} are chained, and no head signs them yet");
        }
    }

    private void Refuse(long sequence, string kind, string message) => Report.Add(new AuditFault(_file, _line, sequence, kind, message));
}
