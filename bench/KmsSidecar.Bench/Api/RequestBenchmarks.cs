using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using KmsSidecar.Api;
using KmsSidecar.Audit;
using KmsSidecar.Backends.Static;
using KmsSidecar.Bench.Load;
using KmsSidecar.Hosting;
using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;
using KmsSidecar.Options;
using KmsSidecar.Storage;
using KmsSidecar.Transport;
using Microsoft.Extensions.Logging.Abstractions;

namespace KmsSidecar.Bench.Api;

/// <summary>A whole request but for its socket: head and body read, the data key made or opened, counted, and the answer written.
/// Without the audit log.</summary>
[MemoryDiagnoser]
[SuppressMessage("Design", "CA1001", Justification = "BenchmarkDotNet ends the object's life with GlobalCleanup.")]
public class RequestBenchmarks
{
    private static readonly Actor Caller = new("benchmark", "none");

    private readonly string _directory = Directory.CreateTempSubdirectory("kms-sidecar-bench").FullName;
    private readonly NativeForm _form = new();
    private readonly Call _call = new();
    private readonly AnswerHead _head = new(TimeProvider.System);
    private readonly byte[] _answer = new byte[AnswerHead.MaxLength];
    private StateDirectory _state = null!;
    private KmsService _service = null!;
    private LocalRequests _requests = null!;
    private byte[] _generate = null!;
    private byte[] _decrypt = null!;

    [GlobalSetup]
    public async Task SetUpAsync()
    {
        using StaticKey key = StaticKey.Parse(Encoding.ASCII.GetBytes($"k:{Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))}"));
        DaemonOptions options = new() { StateDirectory = _directory, Socket = "/unused" };
        _state = StateDirectory.Open(options, new SystemFileSteps(), new DirectoryLocks(), NullLogger.Instance);
        ConfigurationStore store = new(_state.Configurations, NullLoggerFactory.Instance);
        StaticBackend backend = new(key, TimeProvider.System);
        _service = new KmsService(store, (_, _, _) => new ValueTask<IKeyBackend>(backend), TimeProvider.System, NullLoggerFactory.Instance);
        await _service.ConfigureAsync("""{"backend_type":"static","default_key_id":"k"}"""u8.ToArray(), Caller, CancellationToken.None);
        await _service.StartAsync(force: false, Caller, CancellationToken.None);

        DataKeyRoutes routes = new(_service);
        Router router = new(
        [
            RouteOf(RouteAction.GenerateDataKey, "generate-data-key", routes.GenerateAsync),
            RouteOf(RouteAction.Decrypt, "decrypt", routes.DecryptAsync),
        ]);
        RequestMetrics metrics = new(router, static () => null);
        _requests = new LocalRequests(router, new Outcomes(router, metrics, audit: null, TimeProvider.System, NullLoggerFactory.Instance));
        _generate = _form.Generate(count: 1);
        Serve(_generate);
        using JsonDocument answer = JsonDocument.Parse(_call.Output.WrittenMemory);
        _decrypt = _form.Decrypt(_form.ReadGenerated(answer.RootElement).Blob);
    }

    [GlobalCleanup]
    public async Task CleanUpAsync()
    {
        await _service.DisposeAsync();
        _state.Dispose();
        _call.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Benchmark]
    public int Generate() => Serve(_generate);

    [Benchmark]
    public int Decrypt() => Serve(_decrypt);

    private static Route RouteOf(RouteAction action, string name, RouteHandler handler) => new(
        "POST", $"/v1/{name}", Surface.DataSocket, action, AuditKind.DataKey, KeyScope.None, DataKeyRequest.MaxBodyBytes, RouteTable.Quick, handler);

    /// <returns>Bytes of the answer.</returns>
    private int Serve(ReadOnlySpan<byte> request)
    {
        _call.Renew();
        PlainHead.Read(request, out PlainHead head);
        _call.Input.Write(request.Slice(head.Length, head.BodyLength));
        ValueTask run = _requests.RunAsync(_requests.Find(head.Target, head.Operation)!, _call);
        if (!run.IsCompletedSuccessfully || _call.Status != 200)
        {
            throw new InvalidOperationException($"status {_call.Status}: {Encoding.UTF8.GetString(_call.Output.WrittenSpan)}");
        }

        return _head.Write(_call, isLast: false, _answer) + _call.Output.WrittenSpan.Length;
    }
}
