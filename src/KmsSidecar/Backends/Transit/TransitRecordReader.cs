using System.Collections.Immutable;
using System.Text.Json;
using KmsSidecar.Backends.Local;
using KmsSidecar.Keys;

namespace KmsSidecar.Backends.Transit;

/// <summary>Reads the record of a Transit key as strictly as RustFS does: required members, none twice, times with their zone.</summary>
internal ref struct TransitRecordReader
{
    private readonly HashSet<string> _unknown = new(StringComparer.Ordinal);
    private RecordMembers _members;
    private string _usage = "";
    private string? _description;
    private Dictionary<string, string> _tags = [];
    private KeyState _state;
    private string _createdAt = "";
    private string? _deletionDate;
    private string _origin = "";
    private string? _createdBy;
    private uint _currentVersion;
    private KeyState? _stateBeforeDeletion;

    private TransitRecordReader(ReadOnlySpan<byte> utf8) => _members = new RecordMembers(utf8);

    /// <param name="fault">What is wrong with it, in words that follow "it is damaged:"; null when nothing is.</param>
    /// <returns>Null at a fault. Never throws.</returns>
    public static TransitRecord? TryRead(ReadOnlySpan<byte> utf8, out string? fault)
    {
        try
        {
            TransitRecordReader reader = new(utf8);
            reader.ReadMembers();
            fault = reader._members.Fault;
            return fault is null ? reader.Build() with { Unknown = reader.CopyUnknown(utf8) } : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not JSON, or a text with a lone surrogate, which the reader's accessors answer with InvalidOperationException.
            fault = "it is not JSON";
            return null;
        }
    }

    private void ReadMembers()
    {
        while (_members.Next())
        {
            if (TryReadMember())
            {
                _members.Know();
            }
            else
            {
                _unknown.Add(_members.Name);
                _members.Skip();
            }
        }

        _members.Require(
            TransitRecordNames.Usage, TransitRecordNames.Tags, TransitRecordNames.State, TransitRecordNames.CreatedAt, TransitRecordNames.Origin,
            TransitRecordNames.CurrentVersion);
    }

    private bool TryReadMember()
    {
        switch (_members.Name)
        {
            case TransitRecordNames.Usage: _usage = _members.Usage(); return true;
            case TransitRecordNames.Description: _description = _members.TextOrNull(); return true;
            case TransitRecordNames.Tags: _tags = _members.Texts(); return true;
            case TransitRecordNames.State: _state = _members.State(TransitRecordNames.StateOf); return true;
            case TransitRecordNames.CreatedAt: _createdAt = _members.Time(); return true;
            case TransitRecordNames.DeletionDate: _deletionDate = _members.TimeOrNull(); return true;
            case TransitRecordNames.Origin: _origin = _members.Text(); return true;
            case TransitRecordNames.CreatedBy: _createdBy = _members.TextOrNull(); return true;
            case TransitRecordNames.CurrentVersion: _currentVersion = _members.UInt32(); return true;
            case KeyFileNames.StateBeforeDeletion: _stateBeforeDeletion = _members.StateOrNull(TransitRecordNames.StateOf); return true;
            default: return false;
        }
    }

    private readonly TransitRecord Build() => new()
    {
        Usage = _usage,
        Description = _description,
        Tags = ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, _tags),
        State = _state,
        CreatedAt = _createdAt,
        DeletionDate = _deletionDate,
        Origin = _origin,
        CreatedBy = _createdBy,
        CurrentVersion = _currentVersion,
        StateBeforeDeletion = _stateBeforeDeletion,
    };

    /// <summary>In a pass of its own: hardly any record has such members.</summary>
    private readonly ImmutableArray<KeyValuePair<string, byte[]>> CopyUnknown(ReadOnlySpan<byte> utf8)
    {
        if (_unknown.Count == 0)
        {
            return [];
        }

        List<KeyValuePair<string, byte[]>> unknown = [];
        Utf8JsonReader json = new(utf8);
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            string name = json.GetString()!;
            json.Read();
            int start = (int)json.TokenStartIndex;
            json.Skip();
            if (_unknown.Contains(name))
            {
                unknown.Add(new(name, utf8[start..(int)json.BytesConsumed].ToArray()));
            }
        }

        return [.. unknown];
    }
}
