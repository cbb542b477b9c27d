using System.Text.Json;

namespace KmsSidecar.CommandLine.Apply;

/// <summary>One request that brings the daemon nearer to the file.</summary>
/// <param name="Done">What it does, as a participle: <c>created</c>.</param>
/// <param name="Body">Writes the members of the request's object.</param>
internal sealed record Step(string Done, HttpMethod Method, string Route, Action<Utf8JsonWriter> Body);
