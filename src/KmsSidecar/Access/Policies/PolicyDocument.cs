using System.Collections.Immutable;
using System.Text.Json;
using KmsSidecar.Errors;

namespace KmsSidecar.Access.Policies;

/// <summary>A policy in AWS's JSON, as RustFS takes it (<c>Version</c> 2012-10-17). Immutable.</summary>
/// <remarks>Anything that is not understood is refused, never passed over: a policy says what may be done with keys.</remarks>
internal sealed record PolicyDocument(string? Id, ImmutableArray<PolicyStatement> Statements)
{
    /// <summary>The longest document; AWS's limit for a managed policy is 6,144 characters.</summary>
    public const int MaxBytes = 16 * 1024;

    public const string Version = "2012-10-17";

    /// <exception cref="KmsException">MalformedRequest, with the place: <c>member 'Statement[1].Action[0]' …</c>.</exception>
    public static PolicyDocument Parse(ReadOnlySpan<byte> utf8) => PolicyReader.Read(utf8);

    /// <summary>Writes the policy as one JSON value. Reading that again gives a policy that decides alike.</summary>
    public void WriteTo(Utf8JsonWriter writer) => PolicyWriter.Write(this, writer);
}
