using System.Text.Json;
using KmsSidecar.Audit;
using KmsSidecar.Errors;

namespace KmsSidecar.Api;

/// <summary>One row of the route table: who may reach what, with which limits, and what answers.</summary>
/// <remarks>Everything is required: a route without an action or a limit does not compile.</remarks>
/// <param name="Method">Upper-case.</param>
/// <param name="Path">Exact; a last segment in braces, <c>{key_id}</c>, takes any one segment.</param>
/// <param name="Surfaces">The doors it is behind.</param>
/// <param name="Action">The policy action that a caller needs.</param>
/// <param name="Audit">As what its calls are recorded.</param>
/// <param name="Key">Where the request names the key that it acts on.</param>
/// <param name="MaxBodyBytes">Longer bodies are answered 413; 0 takes none.</param>
/// <param name="TimeLimit">From the last byte of the request to the answer.</param>
/// <param name="Handler">Runs after authentication, with the body read.</param>
/// <param name="FailureMembers">Members that this route's failures have beside success, message and code; null for none.</param>
/// <param name="Dialect">Its callers expect every failure in this form.</param>
/// <param name="Operation">Of the path's many, the one that the header <c>X-Amz-Target</c> names; null where the path says all.</param>
/// <param name="AlsoNeeds">A second action, on another key, that the caller must be allowed as well.</param>
internal sealed record Route(
    string Method,
    string Path,
    Surface Surfaces,
    RouteAction Action,
    AuditKind Audit,
    KeyScope Key,
    int MaxBodyBytes,
    TimeSpan TimeLimit,
    RouteHandler Handler,
    Action<Utf8JsonWriter, Call>? FailureMembers = null,
    Dialect Dialect = Dialect.Native,
    string? Operation = null,
    (RouteAction Action, KeyScope Key)? AlsoNeeds = null)
{
    /// <summary><see cref="Operation"/> of the route that answers for all that there are not; no caller can name it.</summary>
    public const string OtherOperation = "TrentService.*";

    /// <summary>What metrics and logs call this route.</summary>
    public string Name => Operation ?? $"{Method} {Path}";

    /// <summary>The last segment is in braces.</summary>
    public bool HasParameter => Path.EndsWith('}');
}

/// <summary>Answers a call: writes its output and returns None, or returns why not. Cold handlers may throw <see cref="KmsException"/>.</summary>
internal delegate ValueTask<KmsError> RouteHandler(Call call);
