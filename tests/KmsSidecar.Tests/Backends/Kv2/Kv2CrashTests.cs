using KmsSidecar.Backends.Kv2;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using Xunit;

namespace KmsSidecar.Tests.Backends.Kv2;

/// <summary>Stopped at every request of an operation, before or after the server has done it: nothing is lost, and doing it again ends it.</summary>
public sealed class Kv2CrashTests
{
    private const string Key = "k";

    /// <summary>More than any operation sends.</summary>
    private const int MaxCalls = 20;

    public static TheoryData<bool> Sides => [false, true];

    [Theory]
    [MemberData(nameof(Sides))]
    public Task Create(bool isCarriedOut) => AtEveryCallAsync(
        isCarriedOut,
        rotations: null,
        static backend => backend.CreateAsync(Key),
        async (backend, _) =>
        {
            if (!await backend.HoldsAsync(Key))
            {
                await backend.CreateAsync(Key);
            }
            else
            {
                Assert.Equal(KmsError.KeyExists, await backend.CreateErrorAsync(Key));
            }
        });

    [Theory]
    [MemberData(nameof(Sides))]
    public Task FirstRotation(bool isCarriedOut) => RotationAsync(isCarriedOut, rotations: 0);

    [Theory]
    [MemberData(nameof(Sides))]
    public Task LaterRotation(bool isCarriedOut) => RotationAsync(isCarriedOut, rotations: 1);

    [Theory]
    [MemberData(nameof(Sides))]
    public Task Destruction(bool isCarriedOut) => AtEveryCallAsync(
        isCarriedOut,
        rotations: 2,
        static backend => backend.DestroyAsync(Key),
        async (backend, given) =>
        {
            (KmsError error, KeyDescription? key) = await backend.FindAsync(Key);
            if (error == KmsError.None)
            {
                bool isBegun = key!.State == KeyState.Unavailable;
                Assert.Equal(isBegun ? [Key] : [], await backend.DueAsync(DateTimeOffset.MaxValue));
                if (!isBegun)
                {
                    await OpenAllAsync(backend, given);
                }

                await backend.DestroyAsync(Key);
            }

            Assert.False(await backend.HoldsAsync(Key));
            await backend.CreateAsync(Key);
            await backend.RotateAsync(Key);
            Assert.All(given, blob => Assert.NotEqual(KmsError.None, backend.UnwrapAsync(blob).GetAwaiter().GetResult().Error));
        });

    private static Task RotationAsync(bool isCarriedOut, int rotations) => AtEveryCallAsync(
        isCarriedOut,
        rotations,
        static backend => backend.RotateAsync(Key),
        async (backend, given) =>
        {
            await OpenAllAsync(backend, given);
            byte[] between = (await backend.WrapAsync(Key)).Blob;
            uint before = (await backend.FindAsync(Key)).Key!.Version;
            Assert.Equal(before + 1, (await backend.RotateAsync(Key)).Version);
            await OpenAllAsync(backend, [.. given, between, (await backend.WrapAsync(Key)).Blob]);
        });

    /// <param name="rotations">Of the key that is there before; null for none.</param>
    /// <param name="recover">What another backend, after the crash, finds and does; given are data keys of all versions that there were.</param>
    private static async Task AtEveryCallAsync(
        bool isCarriedOut, int? rotations, Func<Kv2Backend, Task> operation, Func<Kv2Backend, List<byte[]>, Task> recover)
    {
        await using Kv2Fixture fixture = await Kv2Fixture.StartAsync();
        for (int calls = 0; ; calls++)
        {
            Assert.InRange(calls, 0, MaxCalls);
            Kv2Backend healthy = await fixture.OpenAsync();
            List<byte[]> given = rotations is { } count ? await PrepareAsync(healthy, count) : [];
            CuttingVault? cutting = null;
            Kv2Backend dying = await fixture.OpenAsync(mode: OpenMode.Existing, between: client => new LateVault(client, inner =>
                cutting = new CuttingVault(inner, fixture.Vault.Faults, calls, isCarriedOut)));
            Exception? failed = await Record.ExceptionAsync(() => operation(dying));
            bool hasCut = cutting?.HasCut ?? false;
            Assert.True(hasCut || failed is null, failed?.ToString());
            fixture.Vault.Faults.Clear();
            if (!hasCut)
            {
                Assert.InRange(calls, 2, MaxCalls);
                return;
            }

            Assert.True(isCarriedOut || failed is KmsException, $"{failed}");
            await recover(await fixture.OpenAsync(), given);
            await (await fixture.OpenAsync()).DestroyAsync(Key);
        }
    }

    private static async Task<List<byte[]>> PrepareAsync(Kv2Backend backend, int rotations)
    {
        await backend.CreateAsync(Key);
        List<byte[]> given = [(await backend.WrapAsync(Key)).Blob];
        for (int i = 0; i < rotations; i++)
        {
            await backend.RotateAsync(Key);
            given.Add((await backend.WrapAsync(Key, EnvelopeForm.RustFs)).Blob);
        }

        return given;
    }

    private static async Task OpenAllAsync(Kv2Backend backend, List<byte[]> given)
    {
        foreach (byte[] blob in given)
        {
            Assert.Equal(BackendCalls.DataKey, (await backend.UnwrapAsync(blob)).Plaintext);
        }
    }
}
