using System.Buffers;
using System.Text;
using KmsSidecar.Errors;
using KmsSidecar.Hosting;
using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;
using KmsSidecar.Operations;
using KmsSidecar.Options;
using KmsSidecar.Tests.Storage;
using KmsSidecar.Tests.Support;
using Xunit;

namespace KmsSidecar.Tests.Lifecycle;

/// <summary>Changes between real key directories and a real static key, as the daemon puts them together.</summary>
public sealed class RealBackendsTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly DaemonOptions _options;

    public RealBackendsTests()
    {
        string keyFile = _directory.PathOf("static.key");
        File.WriteAllText(keyFile, $"fixed:{Convert.ToBase64String(Enumerable.Repeat((byte)7, 32).ToArray())}");
        File.SetUnixFileMode(keyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _options = TestHost.OptionsIn(_directory) with { StaticKeyFile = keyFile };
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task EveryFormerBackend_OpensItsEnvelopes_AlsoAfterARestart()
    {
        List<byte[]> blobs = [];
        await using (SidecarHost host = new(_options, TimeProvider.System))
        {
            await host.Service.ConfigureAsync(Body($$"""{"backend_type":"local","key_dir":"{{_directory.PathOf("a")}}","default_key_id":"master"}"""), ServiceUnderTest.Operator, Cancellation);
            await host.Service.StartAsync(force: false, ServiceUnderTest.Operator, Cancellation);
            blobs.Add(await WrapAsync(host.Service));
            foreach (string patch in new[]
            {
                $$"""{"key_dir":"{{_directory.PathOf("b")}}"}""",
                """{"backend_type":"static","default_key_id":null}""",
                $$"""{"backend_type":"local","key_dir":"{{_directory.PathOf("c")}}","default_key_id":"master","master_key":"a password of its own"}""",
            })
            {
                await host.Service.ReconfigureAsync(Body(patch), ServiceUnderTest.Operator, Cancellation);
                blobs.Add(await WrapAsync(host.Service));
            }

            await AssertAllOpenAsync(host.Service, blobs);
        }

        await using SidecarHost again = new(_options, TimeProvider.System);
        await again.Service.RestoreAsync(Cancellation);
        await AssertAllOpenAsync(again.Service, blobs);
        await again.Service.RollbackAsync(1, ServiceUnderTest.Operator, Cancellation);
        await AssertAllOpenAsync(again.Service, blobs);
        using SnapshotLease lease = again.Service.Acquire();
        Assert.Equal(4, lease.Snapshot.Backends.Length);
    }

    [Fact]
    public async Task GoingBackToABackend_TakesItOffTheList_AndADropForgetsOneAlone_AlsoAfterARestart()
    {
        List<byte[]> local = [];
        byte[] fixedKey;
        await using (SidecarHost host = new(_options, TimeProvider.System))
        {
            KmsService service = host.Service;
            await service.ConfigureAsync(Body($$"""{"backend_type":"local","key_dir":"{{_directory.PathOf("a")}}","default_key_id":"master"}"""), ServiceUnderTest.Operator, Cancellation);
            await service.StartAsync(force: false, ServiceUnderTest.Operator, Cancellation);
            local.Add(await WrapAsync(service));
            await service.ReconfigureAsync(Body("""{"backend_type":"static","default_key_id":null}"""), ServiceUnderTest.Operator, Cancellation);
            fixedKey = await WrapAsync(service);
            Assert.Equal(["local-1"], Former(service));

            await service.ReconfigureAsync(Body($$"""{"backend_type":"local","key_dir":"{{_directory.PathOf("a")}}","default_key_id":"master"}"""), ServiceUnderTest.Operator, Cancellation);
            local.Add(await WrapAsync(service));
            Assert.Equal(["static-2"], Former(service));
            await AssertAllOpenAsync(service, [.. local, fixedKey]);

            KmsException refused = await Assert.ThrowsAsync<KmsException>(() => service.DropDecryptOnlyAsync("static-2", force: false, ServiceUnderTest.Operator, Cancellation));
            Assert.Contains("holds 1 keys and opened an envelope at", refused.Message, StringComparison.Ordinal);
            await service.DropDecryptOnlyAsync("static-2", force: true, ServiceUnderTest.Operator, Cancellation);
            Assert.Empty(Former(service));
            Assert.Equal(KmsError.InvalidCiphertext, await OpenAsync(service, fixedKey));
        }

        await using SidecarHost again = new(_options, TimeProvider.System);
        await again.Service.RestoreAsync(Cancellation);
        await AssertAllOpenAsync(again.Service, local);
        Assert.Equal(KmsError.InvalidCiphertext, await OpenAsync(again.Service, fixedKey));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task MissingOrEmptyDirectoryInThePlaceOfTheKeys_IsNotTakenForThem(bool mountPoint)
    {
        string keys = _directory.PathOf("keys");
        byte[] blob;
        await using (SidecarHost host = new(_options, TimeProvider.System))
        {
            await host.Service.ConfigureAsync(Body($$"""{"backend_type":"local","key_dir":"{{keys}}","default_key_id":"master"}"""), ServiceUnderTest.Operator, Cancellation);
            await host.Service.StartAsync(force: false, ServiceUnderTest.Operator, Cancellation);
            blob = await WrapAsync(host.Service);
        }

        Unmount(keys, mountPoint);
        await using SidecarHost again = new(_options, TimeProvider.System);
        await again.Service.RestoreAsync(Cancellation);

        using (SnapshotLease lease = again.Service.Acquire())
        {
            Assert.Equal(ServiceState.Error, lease.Snapshot.State);
        }

        Mount(keys, mountPoint);
        await again.Service.StartAsync(force: false, ServiceUnderTest.Operator, Cancellation);
        await AssertAllOpenAsync(again.Service, [blob]);
    }

    [Fact]
    public async Task DecryptOnlyDirectoryThatIsNotMounted_FailsItsOwnEnvelopesAsUnavailable()
    {
        (string former, string keys) = (_directory.PathOf("former"), _directory.PathOf("keys"));
        byte[] blob;
        await using (SidecarHost host = new(_options, TimeProvider.System))
        {
            await host.Service.ConfigureAsync(Body($$"""{"backend_type":"local","key_dir":"{{former}}","default_key_id":"master"}"""), ServiceUnderTest.Operator, Cancellation);
            await host.Service.StartAsync(force: false, ServiceUnderTest.Operator, Cancellation);
            blob = await WrapAsync(host.Service);
            await host.Service.ReconfigureAsync(Body($$"""{"key_dir":"{{keys}}"}"""), ServiceUnderTest.Operator, Cancellation);
        }

        Unmount(former, mountPoint: true);
        await using SidecarHost again = new(_options, TimeProvider.System);
        await again.Service.RestoreAsync(Cancellation);

        Assert.Equal(KmsError.BackendUnavailable, await OpenAsync(again.Service, blob));
        Mount(former, mountPoint: true);
    }

    private static void Unmount(string keys, bool mountPoint)
    {
        Directory.Move(keys, keys + ".unmounted");
        if (mountPoint)
        {
            Directory.CreateDirectory(keys);
        }
    }

    /// <summary>Fails where something was made in the mount point.</summary>
    private static void Mount(string keys, bool mountPoint)
    {
        if (mountPoint)
        {
            Directory.Delete(keys);
        }

        Directory.Move(keys + ".unmounted", keys);
    }

    private static ReadOnlyMemory<byte> Body(string text) => Encoding.UTF8.GetBytes(text);

    private static async Task<byte[]> WrapAsync(KmsService service)
    {
        using SnapshotLease lease = service.Acquire();
        ArrayBufferWriter<byte> envelope = new();
        DataKeys.Wrapped wrapped = await DataKeys.GenerateAsync(
            lease.Snapshot, keyReference: null, KeySpec.Aes256, EncryptionContext.Empty, new byte[32], envelope, Cancellation);
        Assert.Equal(KmsError.None, wrapped.Error);
        return envelope.WrittenSpan.ToArray();
    }

    private static string[] Former(KmsService service)
    {
        using SnapshotLease lease = service.Acquire();
        return [.. lease.Snapshot.DecryptOnly.Select(static entry => entry.Name)];
    }

    private static async Task<KmsError> OpenAsync(KmsService service, byte[] blob)
    {
        using SnapshotLease lease = service.Acquire();
        return (await DataKeys.DecryptAsync(
            lease.Snapshot, blob, EncryptionContext.Empty, new byte[Envelope.MaxPlaintextLength], Cancellation)).Error;
    }

    private static async Task AssertAllOpenAsync(KmsService service, List<byte[]> blobs)
    {
        foreach (byte[] blob in blobs)
        {
            Assert.Equal(KmsError.None, await OpenAsync(service, blob));
        }
    }
}
