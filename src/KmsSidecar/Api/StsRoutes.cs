using System.Security.Cryptography;
using KmsSidecar.Access.Policies;
using KmsSidecar.Access.Sessions;
using KmsSidecar.Errors;

namespace KmsSidecar.Api;

/// <summary>The STS actions, which AWS's clients send to <c>POST /</c> as a form.</summary>
internal sealed class StsRoutes(SessionIssuer issuer, SessionKeys keys)
{
    /// <summary>RustFS's bound for this form.</summary>
    public const int MaxBodyBytes = 8192;

    public ValueTask<KmsError> RunAsync(Call call)
    {
        try
        {
            Run(call, FormBody.Read(call.Body.Span));
        }
        catch (KmsException refused) when (refused.Error == KmsError.MalformedRequest)
        {
            StsXml.WriteError(call, StatusCodes.Status400BadRequest, "ValidationError", refused.Message);
        }
        catch (KmsException refused) when (refused.Error == KmsError.Forbidden)
        {
            StsXml.WriteError(call, StatusCodes.Status403Forbidden, "AccessDenied", refused.Message);
        }

        return new ValueTask<KmsError>(KmsError.None);
    }

    private void Run(Call call, Dictionary<string, string> fields)
    {
        switch (fields.GetValueOrDefault("Action"))
        {
            case null:
                StsXml.WriteError(call, StatusCodes.Status400BadRequest, "MissingAction", "the form has no Action; expecting AssumeRole or GetCallerIdentity");
                break;
            case not null when fields.GetValueOrDefault("Version", "2011-06-15") != "2011-06-15":
                StsXml.WriteError(call, StatusCodes.Status400BadRequest, "InvalidParameterValue", "Version must be 2011-06-15");
                break;
            case "AssumeRole":
                AssumeRole(call, StsRequest.Read(fields));
                break;
            case "GetCallerIdentity":
                StsXml.WriteIdentity(call, call.Caller!.Principal.Name, call.Caller.AccessKey);
                break;
            default:
                StsXml.WriteError(
                    call, StatusCodes.Status400BadRequest, "InvalidAction", "there is no such Action here; expecting AssumeRole or GetCallerIdentity");
                break;
        }
    }

    private void AssumeRole(Call call, StsRequest request)
    {
        if (request.Policy.Length > 0 && FindPolicyFault(request.Policy) is string fault)
        {
            StsXml.WriteError(call, StatusCodes.Status400BadRequest, "MalformedPolicyDocument", fault);
            return;
        }

        SessionClaims session = issuer.Issue(call.Caller!.Principal, request.Duration, request.Policy, call.Actor.From);
        call.Audit.Target = session.AccessKey;
        Span<byte> secret = stackalloc byte[SessionKeys.SecretChars];
        try
        {
            keys.WriteSecret(session.AccessKey, secret);
            StsXml.WriteSession(call, session, request, secret, keys.Seal(session));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    private static string? FindPolicyFault(byte[] policy)
    {
        try
        {
            _ = PolicyDocument.Parse(policy);
            return null;
        }
        catch (KmsException fault)
        {
            return fault.Message;
        }
    }
}
