namespace KmsSidecar.Backends.Local;

/// <summary>What became of reading a key's file. Kept apart as finely as RustFS does: an operator does something else about each.</summary>
internal enum KeyFileVerdict
{
    Good,

    /// <summary>The disk did not give the content, or there is something else than a file under the name.</summary>
    FileUnreadable,
    FileNameNotUnicode,

    /// <summary>Of a later RustFS, or another program's.</summary>
    UnsupportedFormatVersion,

    /// <summary>A way of protecting the material that is not known here.</summary>
    UnknownProtection,

    /// <summary>Not JSON, not an object, a repeated member, a wrong type, a missing member.</summary>
    MaterialCorrupt,

    /// <summary>The record says another key id than the file's name.</summary>
    KeyIdMismatch,
    MaterialMissing,

    /// <summary>Another master key, another salt, or bytes that were changed.</summary>
    MaterialAuthenticationFailed,
}

internal static class KeyFileVerdicts
{
    /// <summary>One sentence for the status page and the log; with no secret, and nothing from inside the file.</summary>
    public static string Sentence(this KeyFileVerdict verdict) => verdict switch
    {
        KeyFileVerdict.Good => "the key can be used",
        KeyFileVerdict.FileUnreadable => "the file cannot be read",
        KeyFileVerdict.FileNameNotUnicode => "the file's name is not UTF-8, so no key id can name it",
        KeyFileVerdict.UnsupportedFormatVersion => "the record's format_version is newer than 1, the newest that is known here",
        KeyFileVerdict.UnknownProtection => "the record's at_rest_protection is none that is known here",
        KeyFileVerdict.MaterialCorrupt => "the file is not a key record: it is damaged, cut short, or of RustFS before 1.0.0-alpha.83",
        KeyFileVerdict.KeyIdMismatch => "the record's key_id is not the name of its file; was the file renamed or copied?",
        KeyFileVerdict.MaterialMissing => "the record has no key material",
        KeyFileVerdict.MaterialAuthenticationFailed =>
            "the key material does not open: it was written under another master key or another .master-key.salt, or it was changed",
        _ => throw new ArgumentOutOfRangeException(nameof(verdict), verdict, "every verdict has a sentence"),
    };
}
