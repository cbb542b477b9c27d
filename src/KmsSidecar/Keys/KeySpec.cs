namespace KmsSidecar.Keys;

/// <summary>What a data key is for; decides its length.</summary>
internal enum KeySpec
{
    Aes256,
    Aes128,
    ChaCha20,
}

internal static class KeySpecs
{
    /// <summary>Bytes of plaintext.</summary>
    public static int Length(this KeySpec spec) => spec == KeySpec.Aes128 ? 128 / 8 : 256 / 8;

    /// <summary>What an envelope says of a plaintext of some length; there are only words for two.</summary>
    public static KeySpec OfLength(int length) => length == KeySpec.Aes128.Length() ? KeySpec.Aes128 : KeySpec.Aes256;

    /// <summary>The spelling inside envelopes.</summary>
    public static string Name(this KeySpec spec) => spec switch
    {
        KeySpec.Aes128 => "AES_128",
        KeySpec.ChaCha20 => "ChaCha20",
        _ => "AES_256",
    };

    /// <summary>Takes the spelling of envelopes and AWS (<c>AES_256</c>) and that of RustFS's admin API (<c>Aes256</c>).</summary>
    public static bool TryParse(string text, out KeySpec spec)
    {
        (bool known, spec) = text switch
        {
            "AES_256" or "Aes256" => (true, KeySpec.Aes256),
            "AES_128" or "Aes128" => (true, KeySpec.Aes128),
            "ChaCha20" => (true, KeySpec.ChaCha20),
            _ => (false, default),
        };
        return known;
    }
}
