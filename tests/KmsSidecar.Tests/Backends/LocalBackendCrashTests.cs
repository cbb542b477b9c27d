using System.Text;
using KmsSidecar.Backends.Local;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Storage;
using KmsSidecar.Tests.Storage;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.Backends;

/// <summary>Every crash is followed by two openings, each with Argon2id's time.</summary>
[Trait("Category", "Slow")]
public sealed class LocalBackendCrashTests
{
    private const string NewKey = "new-key";

    [Fact]
    public void Create_LeavesNoKeyOrAWholeOne()
    {
        int whole = 0;
        int none = 0;
        Crashes.Every(
            PutKnownKey,
            (path, steps) =>
            {
                using LocalBackend backend = Open(path, steps);
                Run(backend.CreateAsync(NewKey));
            },
            (path, where) =>
            {
                using LocalBackend backend = Open(path, new SystemFileSteps());
                AssertKnownKeyOpens(backend, where);
                if (Run(backend.HoldsAsync(NewKey)))
                {
                    whole++;
                }
                else
                {
                    none++;
                    Run(backend.CreateAsync(NewKey));
                }

                AssertServes(backend, where);
            });
        Assert.True(whole > 0 && none > 0, $"{whole} whole, {none} none");
    }

    [Fact]
    public void FirstOpening_CanBeRepeated() => Crashes.Every(
        _ => { },
        (path, steps) => Open(Path.Join(path, "keys"), steps).Dispose(),
        (path, where) =>
        {
            using LocalBackend backend = Open(Path.Join(path, "keys"), new SystemFileSteps());
            Run(backend.CreateAsync(NewKey));
            AssertServes(backend, where);
        });

    private static LocalBackend Open(string path, IFileSteps steps)
    {
        using SecretBytes masterKey = LocalFixture.Secret(LocalFixture.KnownMasterKey);
        return LocalBackend.Open(new LocalBackendSettings(path), OpenMode.CreateMissing, masterKey, steps, new DirectoryLocks(), new FakeTimeProvider());
    }

    private static void PutKnownKey(string path)
    {
        File.WriteAllBytes(Path.Join(path, ".master-key.salt"), LocalFixture.KnownSalt);
        File.WriteAllText(Path.Join(path, "app-key.key"), LocalFixture.KnownRecord);
    }

    private static void AssertKnownKeyOpens(LocalBackend backend, string where)
    {
        (_, _, byte[] plaintext) = Run(backend.UnwrapAsync(Encoding.UTF8.GetBytes(LocalFixture.KnownEnvelope)));
        Assert.True(plaintext.AsSpan().SequenceEqual(LocalFixture.KnownDataKey), where);
        Assert.True(backend.Unreadable.IsEmpty, where);
    }

    private static void AssertServes(LocalBackend backend, string where)
    {
        (KmsError error, _, byte[] blob) = Run(backend.WrapAsync(NewKey));
        Assert.True(error == KmsError.None, where);
        Assert.True(Run(backend.UnwrapAsync(blob)).Plaintext.AsSpan().SequenceEqual(BackendCalls.DataKey), where);
    }

    /// <summary>The local backend's calls have always ended when they return.</summary>
    private static T Run<T>(Task<T> call)
    {
        Assert.True(call.IsCompleted);
        return call.GetAwaiter().GetResult();
    }
}
