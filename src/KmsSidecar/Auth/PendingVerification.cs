using System.Diagnostics.CodeAnalysis;

namespace KmsSidecar.Auth;

/// <summary>A request whose head has been verified and whose body is still to come. Holds no secret, so it may be dropped at any
/// time.</summary>
internal sealed class PendingVerification
{
    private readonly SigV4Verifier _verifier;
    private readonly SignedRequest _request;
    private readonly Caller? _caller;

    /// <param name="verifier">The verifier that checked the head.</param>
    /// <param name="request">What it read there.</param>
    /// <param name="caller">Who signed; null when the signature waits for the body.</param>
    internal PendingVerification(SigV4Verifier verifier, SignedRequest request, Caller? caller)
    {
        _verifier = verifier;
        _request = request;
        _caller = caller;
    }

    /// <summary>Checks the body, which has to be whole and as received; empty when there is none.</summary>
    public bool TryComplete(
        ReadOnlySpan<byte> body, [NotNullWhen(true)] out Caller? caller, [NotNullWhen(false)] out AuthFailure? failure)
    {
        if (_caller is null)
        {
            return _verifier.TryVerify(_request, PayloadLine.Of(body), out caller, out failure);
        }

        // Both sides of this comparison are the sender's own words, so its duration tells them nothing.
        bool isIntact = _request.DeclaredPayload == PayloadLine.Unsigned
            ? body.IsEmpty || !_request.IsPresigned
            : _request.DeclaredPayload == PayloadLine.Of(body);
        caller = isIntact ? _caller : null;
        failure = isIntact ? null : AuthFailure.WrongBody;
        return caller is not null;
    }
}
