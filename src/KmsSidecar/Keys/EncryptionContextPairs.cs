namespace KmsSidecar.Keys;

/// <summary>Walks the pairs of a canonical context in their order.</summary>
/// <param name="canonical">Canonical bytes; nothing is checked again.</param>
internal ref struct EncryptionContextPairs(ReadOnlySpan<byte> canonical)
{
    private ReadOnlySpan<byte> _rest = canonical[1..];

    /// <summary>With its quotes and escapes: the spelling is unique, so equal texts have equal bytes.</summary>
    public ReadOnlySpan<byte> Name { get; private set; }

    /// <inheritdoc cref="Name"/>
    public ReadOnlySpan<byte> Value { get; private set; }

    public bool MoveNext()
    {
        if (_rest[0] == (byte)'}')
        {
            return false;
        }

        Name = TakeString();
        _rest = _rest[1..];
        Value = TakeString();
        if (_rest[0] == (byte)',')
        {
            _rest = _rest[1..];
        }

        return true;
    }

    private ReadOnlySpan<byte> TakeString()
    {
        int end = 1;
        while (_rest[end] != (byte)'"')
        {
            // The byte after a backslash may be a quote; the digits of \u00xx are plain bytes.
            end += _rest[end] == (byte)'\\' ? 2 : 1;
        }

        ReadOnlySpan<byte> text = _rest[..(end + 1)];
        _rest = _rest[text.Length..];
        return text;
    }
}
