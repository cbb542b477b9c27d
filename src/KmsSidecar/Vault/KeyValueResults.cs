using System.Collections.Immutable;
using KmsSidecar.Errors;

namespace KmsSidecar.Vault;

/// <summary>What a read found. Owns the record, which may hold a key, and wipes it on <see cref="Dispose"/>.</summary>
internal sealed class KeyValueRead(VaultAnswer answer, VaultFault fault, string sentence, long version, Range record) : IDisposable
{
    /// <summary>NotFound also for a record whose newest version is deleted.</summary>
    public VaultFault Fault => fault;

    /// <summary>For operators; empty when there is a record.</summary>
    public string Sentence => sentence;

    /// <summary>What a write that replaces this gives as its check-and-set: 0 where there never was a record.</summary>
    public long Version => version;

    /// <summary>The record's JSON, not yet parsed; valid until disposal.</summary>
    public ReadOnlySpan<byte> Record => fault == VaultFault.None ? answer.Body[record] : default;

    /// <summary>For cold paths.</summary>
    public KmsException ToException() => new(fault.ToError(), sentence);

    public void Dispose() => answer.Dispose();
}

/// <param name="Fault">None when it is stored. After Unreachable, TimedOut and ServerError it may be stored all the same.</param>
/// <param name="IsConflict">Another version is the newest: nothing was stored.</param>
/// <param name="Version">Of what was stored: the base of the next write.</param>
internal readonly record struct KeyValueWrite(VaultFault Fault, string Sentence, bool IsConflict, long Version)
{
    public bool IsStored => Fault == VaultFault.None;

    /// <summary>For cold paths.</summary>
    public KmsException ToException() => new(Fault.ToError(), Sentence);
}

/// <param name="Entries">As Vault gives them: records, and folders with a slash behind. One name may be both. Empty where there is nothing.</param>
internal readonly record struct KeyValueList(VaultFault Fault, string Sentence, ImmutableArray<string> Entries)
{
    /// <summary>Names of records, of whatever form.</summary>
    public IEnumerable<string> Records => Entries.Where(static entry => !entry.EndsWith('/'));

    /// <summary>For cold paths.</summary>
    public KmsException ToException() => new(Fault.ToError(), Sentence);
}
