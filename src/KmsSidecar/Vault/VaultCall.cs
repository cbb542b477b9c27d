namespace KmsSidecar.Vault;

/// <summary>One request, without what is the same in all of them (address, token, namespace).</summary>
/// <param name="Operation">A name from a small closed set (<c>transit-encrypt</c>): for metrics and log.</param>
/// <param name="Path">Below <c>/v1/</c>, without a leading slash, already percent-encoded, with the query where there is one.</param>
/// <param name="Body">JSON; empty for none. The caller's, who leaves it alone until the answer is there, and wipes it where it holds secrets.</param>
/// <param name="Secret">Something in the body that a failure must not repeat: where an answer does, nothing of its errors is told. Empty for none.</param>
internal readonly record struct VaultCall(
    string Operation, HttpMethod Method, string Path, VaultRepeat Repeat, ReadOnlyMemory<byte> Body = default, ReadOnlyMemory<byte> Secret = default)
{
    /// <summary>Vault's own method for listings.</summary>
    public static readonly HttpMethod List = new("LIST");
}

/// <summary>Whether a call may be sent again when it is not known what became of it.</summary>
internal enum VaultRepeat
{
    /// <summary>It changes nothing that a second time would change again: read, list, encrypt, decrypt.</summary>
    Safe,

    /// <summary>Sent once. (A connection that could not even be made may be tried again.)</summary>
    Never,
}
