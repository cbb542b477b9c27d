using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using KmsSidecar.Crypto;

namespace KmsSidecar.Bench.Crypto;

/// <summary>What one data key costs under each cipher, against a cipher object that one thread keeps.</summary>
/// <remarks>The baseline may not be shared between threads; <see cref="AeadKey"/> may.</remarks>
[MemoryDiagnoser]
[SuppressMessage("Design", "CA1001", Justification = "BenchmarkDotNet ends the object's life with GlobalCleanup.")]
public class AeadKeyBenchmarks
{
    private const int DataKeyBytes = 256 / 8;

    // Canonical encryption context of one object, key id and version.
    private const int AssociatedDataBytes = 96;

    private readonly byte[] _gcmNonce = RandomNumberGenerator.GetBytes(AeadKey.GcmNonceLength);
    private readonly byte[] _xaesNonce = RandomNumberGenerator.GetBytes(AeadKey.XaesNonceLength);
    private readonly byte[] _dataKey = RandomNumberGenerator.GetBytes(DataKeyBytes);
    private readonly byte[] _associatedData = RandomNumberGenerator.GetBytes(AssociatedDataBytes);
    private readonly byte[] _sealed = new byte[DataKeyBytes + AeadKey.TagLength];
    private readonly byte[] _sealedByGcm = new byte[DataKeyBytes + AeadKey.TagLength];
    private readonly byte[] _sealedByXaes = new byte[DataKeyBytes + AeadKey.TagLength];
    private readonly byte[] _opened = new byte[DataKeyBytes];
    private AesGcm _keptCipher = null!;
    private AeadKey _frameworkKey = null!;
    private AeadKey _key = null!;

    [GlobalSetup]
    public void SetUp()
    {
        byte[] key = RandomNumberGenerator.GetBytes(AeadKey.KeyLength);
        _keptCipher = new AesGcm(key, AeadKey.TagLength);
        _frameworkKey = AeadKey.From(key, AeadEngine.Framework);
        _key = AeadKey.From(key, AeadEngine.Hardware ?? throw new InvalidOperationException("this processor has no AES instructions"));
        _key.SealGcm(_gcmNonce, _dataKey, _associatedData, _sealedByGcm);
        _key.SealXaes(_xaesNonce, _dataKey, _associatedData, _sealedByXaes);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _keptCipher.Dispose();
        _frameworkKey.Dispose();
        _key.Dispose();
    }

    [Benchmark(Baseline = true)]
    public void SealWithKeptCipher() =>
        _keptCipher.Encrypt(_gcmNonce, _dataKey, _sealed.AsSpan(0, DataKeyBytes), _sealed.AsSpan(DataKeyBytes), _associatedData);

    [Benchmark]
    public void SealGcm() => _key.SealGcm(_gcmNonce, _dataKey, _associatedData, _sealed);

    [Benchmark]
    public void SealXaes() => _key.SealXaes(_xaesNonce, _dataKey, _associatedData, _sealed);

    [Benchmark]
    public bool OpenGcm() => _key.TryOpenGcm(_gcmNonce, _sealedByGcm, _associatedData, _opened);

    [Benchmark]
    public bool OpenXaes() => _key.TryOpenXaes(_xaesNonce, _sealedByXaes, _associatedData, _opened);

    [Benchmark]
    public void FrameworkSealGcm() => _frameworkKey.SealGcm(_gcmNonce, _dataKey, _associatedData, _sealed);

    [Benchmark]
    public void FrameworkSealXaes() => _frameworkKey.SealXaes(_xaesNonce, _dataKey, _associatedData, _sealed);

    [Benchmark]
    public bool FrameworkOpenXaes() => _frameworkKey.TryOpenXaes(_xaesNonce, _sealedByXaes, _associatedData, _opened);
}
