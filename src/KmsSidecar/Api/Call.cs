using System.Collections.ObjectModel;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using KmsSidecar.Auth;
using KmsSidecar.Crypto;
using KmsSidecar.Json;
using KmsSidecar.Lifecycle;
using KmsSidecar.Observability;
using KmsSidecar.Operations;

namespace KmsSidecar.Api;

/// <summary>One request on its way to its handler: what was asked, by whom, and the answer as it is written.</summary>
/// <remarks>Input and output are wiped when it is disposed or renewed: both may hold secrets. One thread at a time.</remarks>
internal sealed class Call : IDisposable
{
    public const string JsonContent = "application/json";

    private readonly SecretBuffer _input = new(512);
    private readonly SecretBuffer _output = new(2048);
    private readonly SecretBuffer _envelope = new(1024);
    private readonly SecretBuffer _plaintext = new(512);
    private Utf8JsonWriter? _json;

    public RequestId RequestId { get; private set; } = RequestId.Next();

    /// <summary>What the caller speaks, as far as that is known.</summary>
    public Dialect Dialect { get; set; }

    /// <summary>The door it came through; one call's are all of one.</summary>
    public Surface Surface { get; init; } = Surface.DataSocket;

    /// <summary>The content types that the caller would have, as sent; empty for any.</summary>
    public string Accept { get; init; } = "";

    /// <summary>Who asks; set once that is known.</summary>
    public Actor Actor { get; set; } = Actor.Unknown;

    /// <summary>What its record will say.</summary>
    public CallAudit Audit { get; } = new();

    /// <summary>The key that policies were judged on; null where none was, or nobody had to ask.</summary>
    public string? JudgedKeyId { get; set; }

    /// <summary>Who signed; null on the Unix sockets, where the kernel says who it is.</summary>
    public Caller? Caller { get; set; }

    /// <summary>The segment that stands for the one in braces, as sent.</summary>
    public string? PathParameter { get; set; }

    /// <summary>Decoded parameters of the query; unknown ones are ignored, as upstream does.</summary>
    public IReadOnlyDictionary<string, string> Query { get; set; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>The key that the request names, as it does, once that has been read; upstream repeats it in failures.</summary>
    public string KeyId { get; set; } = "";

    /// <summary>What depends on that key, once that is known.</summary>
    public KeyImpact? Impact { get; set; }

    public SecretBuffer Input => _input;

    public ReadOnlyMemory<byte> Body => _input.WrittenMemory;

    public SecretBuffer Output => _output;

    /// <summary>A handler's own, for envelopes.</summary>
    public SecretBuffer Envelope => _envelope;

    /// <summary>A handler's own, for keys in clear.</summary>
    public SecretBuffer Plaintext => _plaintext;

    public int Status { get; set; } = StatusCodes.Status200OK;

    /// <summary>Success until it is known better.</summary>
    public RequestResult Result { get; set; }

    /// <summary>The same request may succeed a little later, and the answer says so.</summary>
    public bool IsRetryable { get; set; }

    public string ContentType { get; set; } = JsonContent;

    /// <summary>What a failure tells the caller; null for the error's own sentence.</summary>
    public string? FailureMessage { get; set; }

    /// <summary>Ends with the time limit of the body, then of the route, or when the caller goes away.</summary>
    public CancellationToken Cancellation { get; set; }

    /// <summary>A writer of the answer; whoever asks for it flushes it, or resets it and writes nothing.</summary>
    public Utf8JsonWriter BeginJson()
    {
        _json ??= JsonOutput.WriteTo(_output);
        _json.Reset();
        return _json;
    }

    public void Write<T>(T answer, JsonTypeInfo<T> type)
    {
        using Utf8JsonWriter writer = JsonOutput.WriteTo(_output);
        JsonSerializer.Serialize(writer, answer, type);
    }

    /// <summary>Makes it the call of another request by the same caller, as if it were new.</summary>
    public void Renew()
    {
        _input.Clear();
        _output.Clear();
        _envelope.Clear();
        _plaintext.Clear();
        RequestId = RequestId.Next();
        Dialect = Dialect.Native;
        Audit.Renew();
        JudgedKeyId = null;
        Caller = null;
        PathParameter = null;
        Query = ReadOnlyDictionary<string, string>.Empty;
        KeyId = "";
        Impact = null;
        Status = StatusCodes.Status200OK;
        Result = RequestResult.Success;
        IsRetryable = false;
        ContentType = JsonContent;
        FailureMessage = null;
        Cancellation = CancellationToken.None;
    }

    public void Dispose()
    {
        _json?.Reset();
        _input.Dispose();
        _output.Dispose();
        _envelope.Dispose();
        _plaintext.Dispose();
    }
}
