using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace KmsSidecar.Auth;

/// <summary>A request head whose signature can be checked: its syntax, scope and time are in order.</summary>
internal sealed class SignedRequest
{
    /// <summary>How far a request's time may be from this clock, in either direction, inclusive; the same as in AWS and RustFS.</summary>
    private static readonly TimeSpan MaxSkew = TimeSpan.FromSeconds(900);

    private readonly string _method;
    private readonly RequestTarget[] _spellings;
    private readonly SignedHeaders _headers;
    private readonly AuthorizationHeader _authorization;
    private readonly string _date;

    private SignedRequest(
        string method,
        RequestTarget[] spellings,
        SignedHeaders signedHeaders,
        AuthorizationHeader authorization,
        RequestHeaders headers,
        PresignedQuery? presigned)
    {
        _method = method;
        _spellings = spellings;
        _headers = signedHeaders;
        _authorization = authorization;
        _date = presigned?.Date ?? headers["x-amz-date"]!;
        IsPresigned = presigned is not null;
        SessionToken = presigned is null ? headers["x-amz-security-token"] : presigned.SessionToken;
        DeclaredPayload = presigned is null ? headers[PayloadLine.HeaderName] : PayloadLine.Unsigned;
    }

    public string AccessKey => _authorization.AccessKey;

    public CredentialScope Scope => _authorization.Scope;

    public string? SessionToken { get; }

    /// <summary>The signature is in the query and covers no body, so there must be none.</summary>
    public bool IsPresigned { get; }

    /// <summary>The canonical request's last line, where the head has it; null where only the body can tell it.</summary>
    public string? DeclaredPayload { get; }

    public static bool TryParse(
        RequestHead head,
        SigV4Options options,
        DateTimeOffset now,
        [NotNullWhen(true)] out SignedRequest? request,
        [NotNullWhen(false)] out AuthFailure? failure)
    {
        request = null;
        if (!HttpToken.IsValid(head.Method, maxChars: 32))
        {
            failure = AuthFailure.InvalidTarget("the method is not a token");
            return false;
        }

        if (!RequestHeaders.TryRead(head.Headers, out RequestHeaders? headers, out failure)
            || !TryReadAuthorization(
                head, headers, options, out AuthorizationHeader? authorization, out PresignedQuery? presigned, out failure))
        {
            return false;
        }

        failure = ScopeRules.CheckRegion(authorization.Scope.Region, options)
            ?? ScopeRules.CheckService(authorization.Scope.Service, head, options)
            ?? CheckHost(headers, options)
            ?? (presigned is null
                ? CheckTime(headers, authorization.Scope, now) ?? CheckPayload(headers, authorization.Scope, options)
                : CheckPresigned(presigned, now));
        if (failure is not null
            || !SignedHeaders.TryRead(authorization.SignedHeaders, headers, out SignedHeaders? signed, out failure, needsDate: presigned is null))
        {
            return false;
        }

        RequestTarget target = presigned is null ? head.Target : head.Target with { Query = presigned.Unsigned };
        if (!CanonicalTarget.TryEncode(target, out RequestTarget? encoded))
        {
            failure = AuthFailure.InvalidTarget("a percent sign is not followed by two hexadecimal digits");
            return false;
        }

        RequestTarget[] spellings = encoded == target ? [encoded] : [encoded, target];
        request = new SignedRequest(head.Method, spellings, signed, authorization, headers, presigned);
        return true;
    }

    /// <summary>Whether the signature was made with this key over this head and a body of this payload line; takes the same time for any
    /// wrong signature.</summary>
    public bool IsSignedWith(ReadOnlySpan<byte> signingKey, string payloadLine)
    {
        byte[] presented = Encoding.UTF8.GetBytes(_authorization.Signature);
        Span<byte> signature = stackalloc byte[HMACSHA256.HashSizeInBytes];
        bool matches = false;
        foreach (RequestTarget spelling in _spellings)
        {
            byte[] canonical = CanonicalRequest.Build(_method, spelling, _headers, payloadLine);
            HMACSHA256.HashData(signingKey, CanonicalRequest.BuildStringToSign(_date, Scope, canonical), signature);
            matches |= CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(Convert.ToHexStringLower(signature)), presented);
        }

        return matches;
    }

    private static bool TryReadAuthorization(
        RequestHead head,
        RequestHeaders headers,
        SigV4Options options,
        [NotNullWhen(true)] out AuthorizationHeader? authorization,
        out PresignedQuery? presigned,
        [NotNullWhen(false)] out AuthFailure? failure)
    {
        authorization = null;
        presigned = null;
        bool isSignedInQuery = QuerySignature.IsIn(head.Target.Query);
        switch (headers["authorization"])
        {
            case null when isSignedInQuery && options.AllowPresigned && !QuerySignature.IsVersion2(head.Target.Query):
                bool isRead = PresignedQuery.TryRead(head, out presigned, out failure);
                authorization = presigned?.Authorization;
                return isRead;
            case null:
                failure = isSignedInQuery ? AuthFailure.QuerySignatureNotAccepted : AuthFailure.SignatureRequired;
                return false;
            case string when isSignedInQuery:
                failure = AuthFailure.TwoSignatures;
                return false;
            case string value:
                return AuthorizationHeader.TryParse(value, out authorization, out failure);
        }
    }

    private static AuthFailure? CheckPresigned(PresignedQuery presigned, DateTimeOffset now)
    {
        if (!SigningTime.TryParse(presigned.Date, out DateTimeOffset time))
        {
            return AuthFailure.InvalidPresigned("X-Amz-Date is not a time of the form yyyyMMddTHHmmssZ.");
        }

        if (!presigned.Date.StartsWith(presigned.Authorization.Scope.Date, StringComparison.Ordinal))
        {
            return AuthFailure.WrongScopeDate;
        }

        if (presigned.Authorization.Scope.Service != "s3")
        {
            return AuthFailure.InvalidPresigned("the service must be 's3'.");
        }

        return time - now > MaxSkew ? AuthFailure.ClockSkew : now - time > presigned.Lifetime ? AuthFailure.PresignedExpired : null;
    }

    private static AuthFailure? CheckHost(RequestHeaders headers, SigV4Options options) =>
        headers["host"] is string host ? ScopeRules.CheckHost(host, options) : AuthFailure.MissingHeader("host");

    private static AuthFailure? CheckTime(RequestHeaders headers, CredentialScope scope, DateTimeOffset now)
    {
        if (headers["x-amz-date"] is not string date)
        {
            return AuthFailure.MissingHeader("x-amz-date");
        }

        if (!SigningTime.TryParse(date, out DateTimeOffset time))
        {
            return AuthFailure.InvalidHeader("x-amz-date");
        }

        if (!date.StartsWith(scope.Date, StringComparison.Ordinal))
        {
            return AuthFailure.WrongScopeDate;
        }

        return (now - time).Duration() > MaxSkew ? AuthFailure.ClockSkew : null;
    }

    private static AuthFailure? CheckPayload(RequestHeaders headers, CredentialScope scope, SigV4Options options) =>
        headers[PayloadLine.HeaderName] is string value ? PayloadLine.Check(value, scope.Service, options.AllowUnsignedPayload) : null;
}
