using System.Net.Http.Headers;
using KmsSidecar.Crypto;

namespace KmsSidecar.Vault;

/// <summary>What came of one attempt.</summary>
/// <param name="WasSent">The server may have got it.</param>
/// <param name="RetryAfter">What the server asked for.</param>
internal readonly record struct VaultAttempt(VaultAnswer Answer, bool WasSent, TimeSpan? RetryAfter);

/// <summary>Sends one request and reads its answer, once, of bounded length and in bounded time.</summary>
/// <remarks>Follows no redirect and asks no proxy: the token is for Vault alone. Copies that the framework makes on the way (its connections' buffers,
/// the token's header) cannot be wiped; ours are.</remarks>
internal sealed class VaultTransport : IDisposable
{
    /// <summary>A listing of some 100,000 keys.</summary>
    public const int MaxAnswerBytes = 4 * 1024 * 1024;

    private const int ChunkBytes = 8 * 1024;

    /// <summary>What is set aside for an answer before any of it is there, whatever length it claims to have.</summary>
    private const int MaxFirstBytes = 32 * 1024;

    private static readonly MediaTypeHeaderValue Json = new("application/json");
    private static readonly UriCreationOptions AsItIs = new() { DangerousDisablePathAndQueryCanonicalization = true };

    private readonly string _name;
    private readonly string _host;

    /// <summary>It speaks TLS without a client certificate.</summary>
    private readonly bool _showsNothing;
    private readonly string _prefix;
    private readonly string? _namespace;
    private readonly TimeProvider _clock;
    private readonly VaultHandler _handler;

    /// <exception cref="Errors.KmsException">A file of the TLS settings cannot be used.</exception>
    public VaultTransport(VaultSettings settings, TimeProvider clock, ILogger log)
    {
        _name = settings.Name;
        _host = settings.Address.Host;
        _showsNothing = settings.Address.Scheme == Uri.UriSchemeHttps && settings.Tls.ClientCertPath is null;
        _prefix = $"{settings.AddressText}/v1/";
        _namespace = settings.Namespace;
        _clock = clock;
        _handler = new VaultHandler(settings.Tls, clock, log);
    }

    /// <param name="token">Null for log-ins, which need none. The caller keeps it in use meanwhile.</param>
    /// <exception cref="OperationCanceledException">Only when <paramref name="cancellation"/> is cancelled.</exception>
    public async ValueTask<VaultAttempt> SendAsync(VaultCall call, VaultToken? token, TimeSpan timeout, CancellationToken cancellation)
    {
        using CancellationTokenSource late = new(timeout, _clock);
        using CancellationTokenSource? both = cancellation.CanBeCanceled
            ? CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellation)
            : null;
        CancellationToken over = (both ?? late).Token;
        try
        {
            using HttpRequestMessage request = MakeRequest(call, token);
            using HttpResponseMessage response = await _handler.Current.SendAsync(request, over);
            SecretBuffer? body = await ReadAsync(response.Content, over);
            return new VaultAttempt(Judge(call, token, response, body), WasSent: true, RetryAfterOf(response));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellation);
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException or OperationCanceledException)
        {
            // A connection that is closed under the reader fails in whichever way it notices first.
            ConnectionFaults.Found found = late.IsCancellationRequested
                ? new(VaultFault.TimedOut, $"Vault at {_name} did not answer in {timeout.TotalSeconds:0.###} s; see its own log and load, the firewall and IPAddressAllow= in the unit, or raise timeout_seconds", WasSent: true)
                : ConnectionFaults.Of(_name, _host, _showsNothing, failure);
            return new VaultAttempt(new VaultAnswer(found.Fault, status: 0, found.Sentence, reason: "", body: null), found.WasSent, RetryAfter: null);
        }
    }

    public void Dispose() => _handler.Dispose();

    private HttpRequestMessage MakeRequest(VaultCall call, VaultToken? token)
    {
        if (call.Path.AsSpan().ContainsAnyExceptInRange('!', '~') || call.Path.Contains('#', StringComparison.Ordinal))
        {
            throw new ArgumentException($"the path of {call.Operation} is not percent-encoded", nameof(call));
        }

        HttpRequestMessage request = new(call.Method, new Uri(_prefix + call.Path, AsItIs));
        request.Headers.TryAddWithoutValidation("X-Vault-Request", "true");
        if (_namespace is not null)
        {
            request.Headers.TryAddWithoutValidation("X-Vault-Namespace", _namespace);
        }

        if (token is not null)
        {
            request.Headers.TryAddWithoutValidation("X-Vault-Token", token.ToHeader());
        }

        // A request without content is sent again by the framework when its connection breaks before the answer; one with content is not.
        if (!call.Body.IsEmpty || call.Repeat == VaultRepeat.Never)
        {
            request.Content = new ReadOnlyMemoryContent(call.Body);
            request.Content.Headers.ContentType = Json;
        }

        return request;
    }

    /// <summary>The body as it is, where it is not too long; null where it is.</summary>
    private static async ValueTask<SecretBuffer?> ReadAsync(HttpContent content, CancellationToken over)
    {
        long? length = content.Headers.ContentLength;
        if (length > MaxAnswerBytes)
        {
            return null;
        }

        SecretBuffer body = new((int)Math.Min(length + 1 ?? ChunkBytes, MaxFirstBytes));
        bool complete = false;
        try
        {
            await using Stream stream = await content.ReadAsStreamAsync(over);
            while (await stream.ReadAsync(body.GetMemory(Math.Clamp(body.FreeCapacity, 1, ChunkBytes)), over) is > 0 and int count)
            {
                body.Advance(count);
                if (body.WrittenSpan.Length > MaxAnswerBytes)
                {
                    return null;
                }
            }

            complete = true;
            return body;
        }
        finally
        {
            if (!complete)
            {
                body.Dispose();
            }
        }
    }

    /// <param name="body">Taken over.</param>
    private VaultAnswer Judge(VaultCall call, VaultToken? token, HttpResponseMessage response, SecretBuffer? body)
    {
        int status = (int)response.StatusCode;
        if (body is null)
        {
            string tooLong = $"the answer of {_name} is longer than {MaxAnswerBytes / (1024 * 1024)} MiB; check the address, and whatever stands before Vault";
            return new VaultAnswer(VaultFault.NotVault, status, tooLong, reason: "", body: null);
        }

        if (status is >= 200 and < 300)
        {
            if (body.WrittenSpan.IsEmpty || body.WrittenSpan.TrimStart(" \t\r\n"u8) is [(byte)'{', ..])
            {
                return new VaultAnswer(VaultFault.None, status, sentence: "", reason: "", body);
            }

            body.Dispose();
            string notJson = $"what answered at {_name} is not Vault (status {status} without JSON); check the address, and whatever stands before Vault";
            return new VaultAnswer(VaultFault.NotVault, status, notJson, reason: "", body: null);
        }

        // Something in between that repeats what it was sent must not put it into logs.
        bool isEcho = (token is not null && token.IsIn(body.WrittenSpan)) || (!call.Secret.IsEmpty && body.WrittenSpan.IndexOf(call.Secret.Span) >= 0);
        VaultErrorBody errors = VaultErrorBody.Read(body.WrittenSpan);
        errors = isEcho ? errors with { Reason = "" } : errors;
        (VaultFault fault, string sentence) = status is >= 300 and < 400
            ? StatusFaults.OfRedirect(_name, TargetOf(response))
            : StatusFaults.Of(_name, call, status, errors);
        return new VaultAnswer(fault, status, sentence, errors.Reason, body);
    }

    private static string TargetOf(HttpResponseMessage response) =>
        response.Headers.Location is { IsAbsoluteUri: true } target ? Observability.PrintableText.Of(target.GetLeftPart(UriPartial.Authority)) : "";

    private TimeSpan? RetryAfterOf(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } pause } => pause,
        { Date: { } date } => date - _clock.GetUtcNow(),
        _ => null,
    };
}
