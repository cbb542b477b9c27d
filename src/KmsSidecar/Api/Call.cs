using System.Collections.ObjectModel;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using KmsSidecar.Auth;
using KmsSidecar.Crypto;
using KmsSidecar.Json;
using KmsSidecar.Lifecycle;

namespace KmsSidecar.Api;

/// <summary>One request on its way through the dispatcher: what was asked, by whom, and the answer as it is written.</summary>
/// <remarks>Input and output are wiped when it is disposed: both may hold secrets. One thread at a time.</remarks>
internal sealed class Call : IDisposable
{
    private readonly SecretBuffer _input = new(512);
    private readonly SecretBuffer _output = new(1024);

    public required string RequestId { get; init; }

    /// <summary>Who asks; set once that is known.</summary>
    public Actor Actor { get; set; } = new("unknown", "unknown");

    /// <summary>The key that policies were judged on; null where none was, or nobody had to ask.</summary>
    public string? JudgedKeyId { get; set; }

    /// <summary>Who signed; null on the Unix sockets, where the kernel says who it is.</summary>
    public Caller? Caller { get; set; }

    /// <summary>The segment that stands for the one in braces, as sent.</summary>
    public string? PathParameter { get; set; }

    /// <summary>Decoded parameters of the query; unknown ones are ignored, as upstream does.</summary>
    public IReadOnlyDictionary<string, string> Query { get; set; } = ReadOnlyDictionary<string, string>.Empty;

    public SecretBuffer Input => _input;

    public ReadOnlyMemory<byte> Body => _input.WrittenMemory;

    public SecretBuffer Output => _output;

    public int Status { get; set; } = 200;

    /// <summary>The same request may succeed a little later, and the answer says so.</summary>
    public bool IsRetryable { get; set; }

    public string ContentType { get; set; } = "application/json";

    /// <summary>What a failure tells the caller; null for the error's own sentence.</summary>
    public string? FailureMessage { get; set; }

    /// <summary>Ends with the time limit of the body, then of the route, or when the caller goes away.</summary>
    public CancellationToken Cancellation { get; set; }

    public void Write<T>(T answer, JsonTypeInfo<T> type)
    {
        using Utf8JsonWriter writer = JsonOutput.WriteTo(_output);
        JsonSerializer.Serialize(writer, answer, type);
    }

    public void Dispose()
    {
        _input.Dispose();
        _output.Dispose();
    }
}
