using System.Collections.Immutable;
using System.Text.Json;
using KmsSidecar.Backends.Local;
using KmsSidecar.Crypto;
using KmsSidecar.Keys;

namespace KmsSidecar.Backends.Kv2;

/// <summary>Reads a key record as strictly as RustFS does: required members, none twice, times with their zone.</summary>
/// <remarks>The material goes from the record's bytes to owned memory and is never a string.</remarks>
internal ref struct Kv2RecordReader
{
    private RecordMembers _members;
    private string _algorithm = "";
    private string _usage = "";
    private string _createdAt = "";
    private KeyState _state;
    private uint _version;
    private string? _description;
    private Dictionary<string, string> _tags = [];
    private string? _deletionDate;
    private string? _rotatedAt;
    private uint? _baseline;
    private ulong _wrapBudget;
    private KeyState? _stateBeforeDeletion;
    private SecretBytes? _material;

    private Kv2RecordReader(ReadOnlySpan<byte> utf8) => _members = new RecordMembers(utf8);

    /// <param name="utf8">The record; holds the key in plain, so the caller wipes it.</param>
    /// <param name="keyId">The name under which it was found; it does not say itself.</param>
    /// <param name="fault">What is wrong with it, in words that follow "it is damaged:"; null when nothing is.</param>
    /// <returns>The caller's to dispose; null at a fault. Never throws.</returns>
    public static Kv2Record? TryRead(ReadOnlySpan<byte> utf8, string keyId, out string? fault)
    {
        Kv2RecordReader reader = default;
        try
        {
            reader = new Kv2RecordReader(utf8);
            reader.ReadMembers();
            fault = reader._members.Fault;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not JSON, or a text with a lone surrogate, which the reader's accessors answer with InvalidOperationException.
            fault = "it is not JSON";
        }

        if (fault is null)
        {
            return new Kv2Record(reader.Build(keyId), SecretBytes.CopyOf(utf8));
        }

        reader._material?.Dispose();
        return null;
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
                _members.Skip();
            }
        }

        _members.Require(
            KeyFileNames.Algorithm, KeyFileNames.Usage, KeyFileNames.CreatedAt, KeyFileNames.Status, KeyFileNames.Version, KeyFileNames.Metadata,
            Kv2Names.Tags, KeyFileNames.Material);
    }

    private bool TryReadMember()
    {
        switch (_members.Name)
        {
            case KeyFileNames.Algorithm: _algorithm = _members.Text(); return true;
            case KeyFileNames.Usage: _usage = _members.Usage(); return true;
            case KeyFileNames.CreatedAt: _createdAt = _members.Time(); return true;
            case KeyFileNames.Status: _state = _members.State(KeyFileNames.StateOf); return true;
            case KeyFileNames.Version: _version = _members.UInt32(); return true;
            case KeyFileNames.Description: _description = _members.TextOrNull(); return true;
            case KeyFileNames.Metadata: _members.Object(); return true;
            case Kv2Names.Tags: _tags = _members.Texts(); return true;
            case KeyFileNames.DeletionDate: _deletionDate = _members.TimeOrNull(); return true;
            case KeyFileNames.RotatedAt: _rotatedAt = _members.TimeOrNull(); return true;
            case KeyFileNames.Material: ReadMaterial(); return true;
            case Kv2Names.Baseline: _baseline = _members.UInt32OrNull(); return true;
            case Kv2Names.WrapBudget: _wrapBudget = _members.UInt64(); return true;
            case KeyFileNames.StateBeforeDeletion: _stateBeforeDeletion = _members.StateOrNull(KeyFileNames.StateOf); return true;
            default: return false;
        }
    }

    private void ReadMaterial()
    {
        _material?.Dispose();
        _material = _members.Material();
    }

    private readonly Kv2Content Build(string keyId) => new(
        new KeyDescription
        {
            KeyId = keyId,
            State = _state,
            Version = _version,
            Algorithm = _algorithm,
            Usage = _usage,
            Description = _description,
            Tags = ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, _tags),
            CreatedAt = _createdAt,
            RotatedAt = _rotatedAt,
            DeletionDate = _deletionDate,
            StateBeforeDeletion = _stateBeforeDeletion,
            Origin = Kv2Backend.Origin,
            Manager = Kv2Backend.Origin,
        },
        _baseline,
        _wrapBudget,
        _material!);
}
