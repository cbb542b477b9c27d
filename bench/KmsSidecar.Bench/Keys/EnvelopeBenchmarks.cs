using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using KmsSidecar.Crypto;
using KmsSidecar.Keys;

namespace KmsSidecar.Bench.Keys;

/// <summary>One data key on its way through the envelope: wrapped and written, read, opened.</summary>
[MemoryDiagnoser]
[SuppressMessage("Design", "CA1001", Justification = "BenchmarkDotNet ends the object's life with GlobalCleanup.")]
public class EnvelopeBenchmarks
{
    private static readonly byte[] ContextJson = """{"bucket":"bucket/path/object.txt"}"""u8.ToArray();

    private readonly EnvelopeSealer _sealer = new(bindsContextInRustFsForm: false, writesVersionInRustFsForm: false, TimeProvider.System);
    private readonly byte[] _dataKey = RandomNumberGenerator.GetBytes(AeadKey.KeyLength);
    private readonly byte[] _opened = new byte[Envelope.MaxPlaintextLength];
    private readonly SecretBuffer _output = new(2048);
    private AeadKey _key = null!;
    private EncryptionContext _context = null!;
    private byte[] _blob = null!;
    private Envelope _envelope = null!;

    [GlobalSetup]
    public void SetUp()
    {
        _key = AeadKey.From(RandomNumberGenerator.GetBytes(AeadKey.KeyLength));
        _context = (EncryptionContext)ReadContext();
        WrapAndWrite();
        _blob = _output.WrittenSpan.ToArray();
        _envelope = Envelope.TryParse(_blob, out Envelope? envelope) ? envelope : throw new InvalidOperationException("it does not parse");
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _key.Dispose();
        _output.Dispose();
    }

    [Benchmark]
    public object ReadContext()
    {
        Utf8JsonReader reader = new(ContextJson);
        reader.Read();
        return EncryptionContext.TryRead(ref reader, out EncryptionContext? context, out _) ? context : throw new InvalidOperationException();
    }

    [Benchmark]
    public void WrapAndWrite()
    {
        _output.Clear();
        _sealer.Wrap(_key, 1, new WrapRequest("master", KeySpec.Aes256, EnvelopeForm.Bound, _dataKey, _context, _output));
    }

    [Benchmark]
    public bool Read() => Envelope.TryParse(_blob, out _);

    [Benchmark]
    public int Unwrap() => _sealer.Unwrap(_key, 1, _envelope, _context, _opened).Length;
}
