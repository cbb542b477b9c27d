using System.Text;
using KmsSidecar.Backends.Local;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Storage;
using KmsSidecar.Tests.Storage;
using Xunit;

namespace KmsSidecar.Tests.Backends;

/// <summary>The process is stopped at every step of every change; then the directory is opened again.</summary>
public sealed class LocalBackendCrashTests
{
    private const string NewKey = "new-key";
    private const string KnownKey = "app-key";

    [Fact]
    public void Create_LeavesNoKeyOrAWholeOne()
    {
        int whole = 0;
        int none = 0;
        Crashes.Every(
            PutKnownKey,
            (path, steps) =>
            {
                using LocalBackend backend = LocalFixture.OpenAt(path, steps);
                Run(backend.CreateAsync(NewKey));
            },
            (path, where) =>
            {
                using LocalBackend backend = LocalFixture.OpenAt(path);
                AssertKnownKeyOpens(backend, where);
                if (Run(backend.FindAsync(NewKey)).Error != KmsError.KeyNotFound)
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
    public void Rotate_LeavesAKeyThatOpensEverything_AndCanBeRotatedAgain()
    {
        List<byte[]> given = [];
        HashSet<uint> found = [];
        Crashes.Every(
            path =>
            {
                PutKnownKey(path);
                given = [];
                using LocalBackend backend = LocalFixture.OpenAt(path);
                given.Add(Wrap(backend));
                Run(backend.RotateAsync(KnownKey));
                given.Add(Wrap(backend));
            },
            (path, steps) =>
            {
                using LocalBackend backend = LocalFixture.OpenAt(path, steps);
                Run(backend.RotateAsync(KnownKey));
            },
            (path, where) =>
            {
                using (LocalBackend backend = LocalFixture.OpenAt(path))
                {
                    AssertAllOpen(backend, given, where);
                    found.Add(Run(backend.FindAsync(KnownKey)).Key!.Version);
                    given.Add(Wrap(backend));
                    uint before = Run(backend.FindAsync(KnownKey)).Key!.Version;
                    Assert.True(Run(backend.RotateAsync(KnownKey)).Version > before, where);
                    given.Add(Wrap(backend));
                    AssertAllOpen(backend, given, where);
                }

                using LocalBackend again = LocalFixture.OpenAt(path);
                AssertAllOpen(again, given, where);
            });
        Assert.Equal([2u, 3u], found.Order());
    }

    [Theory]
    [InlineData(Errno.NoSpace)]
    [InlineData(Errno.ReadOnlyFileSystem)]
    public void RefusedRotation_ChangesNothingThatIsUsed_AndCanBeRepeated(int errno)
    {
        int steps = Crashes.CountSteps(PutKnownKey, static (path, steps) =>
        {
            using LocalBackend backend = LocalFixture.OpenAt(path, steps);
            Run(backend.RotateAsync(KnownKey));
        });
        int refused = 0;
        for (int step = 0; step < steps; step++)
        {
            using TempDirectory directory = new();
            PutKnownKey(directory.FullPath);
            List<byte[]> given = [];
            try
            {
                using LocalBackend failing = LocalFixture.OpenAt(directory.FullPath, new FailingSteps(new SystemFileSteps(), step, errno));
                given.Add(Wrap(failing));
                try
                {
                    Run(failing.RotateAsync(KnownKey));
                }
                catch (KmsException full)
                {
                    Assert.Equal(KmsError.StorageFailed, full.Error);
                    refused++;
                }

                given.Add(Wrap(failing));
                Run(failing.RotateAsync(KnownKey));
                given.Add(Wrap(failing));
                AssertAllOpen(failing, given, $"step {step}");
            }
            catch (KmsException opening)
            {
                Assert.Equal(KmsError.StorageFailed, opening.Error);
            }

            using LocalBackend backend = LocalFixture.OpenAt(directory.FullPath);
            AssertAllOpen(backend, given, $"step {step}, reopened");
        }

        Assert.True(refused > 3, $"{refused} refused");
    }

    [Fact]
    public void Destroy_LeavesTheKey_OrOneThatIsStillToBeDestroyed_OrNone()
    {
        HashSet<string> found = [];
        Crashes.Every(
            static path =>
            {
                PutKnownKey(path);
                using LocalBackend backend = LocalFixture.OpenAt(path);
                Run(backend.RotateAsync(KnownKey));
                Run(backend.RotateAsync(KnownKey));
            },
            static (path, steps) =>
            {
                using LocalBackend backend = LocalFixture.OpenAt(path, steps);
                Run(backend.DestroyAsync(KnownKey));
            },
            (path, where) =>
            {
                using LocalBackend backend = LocalFixture.OpenAt(path);
                (KmsError error, KeyDescription? key) = Run(backend.FindAsync(KnownKey));
                found.Add(key?.State.ToString() ?? error.ToString());
                if (key?.State == KeyState.Enabled)
                {
                    AssertKnownKeyOpens(backend, where);
                    Assert.True(Run(backend.WrapAsync(KnownKey)).Version == 3, where);
                    return;
                }

                Assert.Equal(KmsError.KeyNotFound, Run(backend.WrapAsync(KnownKey)).Error);
                Assert.Equal(key is null ? [] : [KnownKey], Run(backend.DueAsync(DateTimeOffset.MinValue)));
                if (key is not null)
                {
                    Run(backend.DestroyAsync(KnownKey));
                }

                Assert.Equal([".kms-sidecar.lock", ".master-key.salt"], Directory.GetFiles(path).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal));
                Run(backend.CreateAsync(KnownKey));
            });
        Assert.Equal(["Enabled", "KeyNotFound", "Unavailable"], found.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Change_IsMadeOrIsNot()
    {
        HashSet<KeyState> found = [];
        Crashes.Every(
            PutKnownKey,
            static (path, steps) =>
            {
                using LocalBackend backend = LocalFixture.OpenAt(path, steps);
                Run(backend.ChangeAsync(KnownKey, new KeyChange.ScheduleDeletion(DateTimeOffset.UnixEpoch)));
            },
            (path, where) =>
            {
                using LocalBackend backend = LocalFixture.OpenAt(path);
                AssertKnownKeyOpens(backend, where);
                found.Add(Run(backend.FindAsync(KnownKey)).Key!.State);
            });
        Assert.Equal([KeyState.Enabled, KeyState.PendingDeletion], found.Order());
    }

    [Fact]
    public void FirstOpening_CanBeRepeated() => Crashes.Every(
        _ => { },
        (path, steps) => LocalFixture.OpenAt(Path.Join(path, "keys"), steps).Dispose(),
        (path, where) =>
        {
            using LocalBackend backend = LocalFixture.OpenAt(Path.Join(path, "keys"));
            Run(backend.CreateAsync(NewKey));
            AssertServes(backend, where);
        });

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

    private static byte[] Wrap(LocalBackend backend)
    {
        (KmsError error, _, byte[] blob) = Run(backend.WrapAsync(KnownKey));
        Assert.Equal(KmsError.None, error);
        return blob;
    }

    private static void AssertAllOpen(LocalBackend backend, List<byte[]> given, string where)
    {
        AssertKnownKeyOpens(backend, where);
        foreach (byte[] blob in given)
        {
            Assert.True(Run(backend.UnwrapAsync(blob)).Plaintext.AsSpan().SequenceEqual(BackendCalls.DataKey), where);
        }
    }

    private static void AssertServes(LocalBackend backend, string where)
    {
        (KmsError error, _, byte[] blob) = Run(backend.WrapAsync(NewKey));
        Assert.True(error == KmsError.None, where);
        Assert.True(Run(backend.UnwrapAsync(blob)).Plaintext.AsSpan().SequenceEqual(BackendCalls.DataKey), where);
    }

    private static void Run(Task call)
    {
        Assert.True(call.IsCompleted);
        call.GetAwaiter().GetResult();
    }

    /// <summary>The local backend's calls have always ended when they return.</summary>
    private static T Run<T>(Task<T> call)
    {
        Assert.True(call.IsCompleted);
        return call.GetAwaiter().GetResult();
    }
}
