using KmsSidecar.Crypto;
using KmsSidecar.Errors;

namespace KmsSidecar.Vault;

/// <summary>What came of a call. Owns the body, which may hold secrets, and wipes it on <see cref="Dispose"/>.</summary>
internal sealed class VaultAnswer : IDisposable
{
    private readonly SecretBuffer? _body;

    /// <param name="status">HTTP status; 0 when there was no answer.</param>
    /// <param name="sentence">For operators: what happened and the mend. Empty when <paramref name="fault"/> is None.</param>
    /// <param name="reason">The server's own words, printable and bounded; empty when it had none.</param>
    /// <param name="body">The whole JSON; taken over. Null when there is none.</param>
    public VaultAnswer(VaultFault fault, int status, string sentence, string reason, SecretBuffer? body)
    {
        Fault = fault;
        Status = status;
        Sentence = sentence;
        Reason = reason;
        _body = body;
    }

    public VaultFault Fault { get; }

    public int Status { get; }

    public string Sentence { get; }

    public string Reason { get; }

    /// <summary>JSON of at most the client's limit, not yet parsed; empty when there is none. Valid until disposal.</summary>
    public ReadOnlySpan<byte> Body => _body is null ? default : _body.WrittenSpan;

    /// <summary>For cold paths.</summary>
    public KmsException ToException() => new(Fault.ToError(), Sentence);

    public void Dispose() => _body?.Dispose();
}
