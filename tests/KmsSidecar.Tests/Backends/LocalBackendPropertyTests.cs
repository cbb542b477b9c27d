using CsCheck;
using KmsSidecar.Backends.Local;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Storage;
using KmsSidecar.Tests.Storage;
using Xunit;

namespace KmsSidecar.Tests.Backends;

/// <summary>Random lives of three keys, with restarts and crashes, against a model of twenty lines. Whatever happens, every envelope that was
/// ever given out for a key that still exists opens with its context and with no other.</summary>
public sealed class LocalBackendPropertyTests
{
    private static readonly string[] Operations = ["create", "wrap", "wrap", "rotate", "rotate", "disable", "enable", "schedule", "cancel", "destroy", "restart"];

    private static readonly string[] Keys = ["a", "b", "b.v2"];

    private static readonly Gen<Step> Steps = Gen.Select(
        Gen.Int[0, Operations.Length - 1].Select(static i => Operations[i]),
        Gen.Int[0, Keys.Length - 1].Select(static i => Keys[i]),
        Gen.Int[-20, 12],
        Gen.Enum<StopPoint>(),
        Gen.Enum<Aftermath>(),
        static (operation, key, stop, point, aftermath) => new Step(operation, key, stop, point == StopPoint.Halfway ? StopPoint.After : point, aftermath));

    [Fact]
    public void EveryEnvelopeOfAKeyThatExists_Opens() => Steps.Array[1, 40].Sample(Live, iter: 60, threads: 2);

    [Fact]
    [Trait("Category", "Slow")]
    public void EveryEnvelopeOfAKeyThatExists_Opens_Longer() => Steps.Array[20, 120].Sample(Live, iter: 800, threads: 2);

    private static void Live(Step[] steps)
    {
        using TempDirectory directory = new();
        File.WriteAllBytes(Path.Join(directory.FullPath, ".master-key.salt"), LocalFixture.KnownSalt);
        Model model = new();
        LocalBackend backend = Open(directory.FullPath, new SystemFileSteps());
        try
        {
            foreach (Step step in steps)
            {
                if (step.Operation == "restart" || step.Stop >= 0)
                {
                    backend.Dispose();
                    Crash(directory.FullPath, step, model);
                    backend = Open(directory.FullPath, new SystemFileSteps());
                    model.Adopt(backend, step.Key);
                }
                else
                {
                    Assert.Equal(model.Admits(step), Try(backend, step, model));
                }

                model.Check(backend);
            }
        }
        finally
        {
            backend.Dispose();
        }
    }

    /// <summary>Does the step in a process of its own, which ends at one of its disk operations.</summary>
    private static void Crash(string path, Step step, Model model)
    {
        VolatileDisk disk = new();
        try
        {
            using LocalBackend backend = Open(path, new StoppingSteps(disk, step.Stop, step.Point));
            Try(backend, step, model, isModelled: false);
        }
        catch (ProcessStoppedException)
        {
            if (step.Aftermath != Aftermath.ProcessStopped)
            {
                disk.LosePower(keepNames: step.Aftermath == Aftermath.PowerLostNamesKept);
            }
        }
    }

    private static bool Try(LocalBackend backend, Step step, Model model, bool isModelled = true)
    {
        try
        {
            switch (step.Operation)
            {
                case "create":
                    Run(backend.CreateAsync(step.Key));
                    break;
                case "wrap":
                    return model.Wrap(backend, step.Key);
                case "rotate":
                    Run(backend.RotateAsync(step.Key));
                    break;
                case "destroy":
                    Run(backend.DestroyAsync(step.Key));
                    break;
                case "disable":
                    Run(backend.ChangeAsync(step.Key, new KeyChange.Disable()));
                    break;
                case "enable":
                    Run(backend.ChangeAsync(step.Key, new KeyChange.Enable()));
                    break;
                case "schedule":
                    Run(backend.ChangeAsync(step.Key, new KeyChange.ScheduleDeletion(DateTimeOffset.UnixEpoch)));
                    break;
                case "cancel":
                    Run(backend.ChangeAsync(step.Key, new KeyChange.CancelDeletion()));
                    break;
            }
        }
        catch (KmsException)
        {
            return false;
        }

        if (isModelled)
        {
            model.Do(step);
        }

        return true;
    }

    private static LocalBackend Open(string path, IFileSteps steps) => LocalFixture.OpenAt(path, steps, OpenMode.Existing);

    private static void Run(Task call) => call.GetAwaiter().GetResult();

    /// <param name="Stop">The disk operation at which the process ends; negative for none.</param>
    private sealed record Step(string Operation, string Key, int Stop, StopPoint Point, Aftermath Aftermath);

    private sealed class Model
    {
        private readonly Dictionary<string, (KeyState State, KeyState Before)> _keys = [];
        private readonly List<(string Key, byte[] Blob, EncryptionContext Context)> _given = [];

        public bool Admits(Step step)
        {
            KeyState? state = _keys.TryGetValue(step.Key, out (KeyState State, KeyState Before) key) ? key.State : null;
            return step.Operation switch
            {
                "create" => state is null,
                "wrap" or "rotate" => state == KeyState.Enabled,
                "cancel" => state == KeyState.PendingDeletion,
                "destroy" => state is not null,
                _ => state is KeyState.Enabled or KeyState.Disabled,
            };
        }

        public void Do(Step step)
        {
            switch (step.Operation)
            {
                case "create" or "enable":
                    _keys[step.Key] = (KeyState.Enabled, default);
                    break;
                case "disable":
                    _keys[step.Key] = (KeyState.Disabled, default);
                    break;
                case "schedule":
                    _keys[step.Key] = (KeyState.PendingDeletion, _keys[step.Key].State);
                    break;
                case "cancel":
                    _keys[step.Key] = (_keys[step.Key].Before, default);
                    break;
                case "destroy":
                    Forget(step.Key);
                    break;
            }
        }

        public bool Wrap(LocalBackend backend, string key)
        {
            EncryptionContext context = BackendCalls.Context(("n", $"{_given.Count}"));
            EnvelopeForm form = _given.Count % 3 == 0 ? EnvelopeForm.RustFs : EnvelopeForm.Bound;
            (KmsError error, _, byte[] blob) = backend.WrapAsync(key, form, context).GetAwaiter().GetResult();
            if (error == KmsError.None)
            {
                _given.Add((key, blob, context));
            }

            return error == KmsError.None;
        }

        /// <summary>After a crash the key is as before or as after; the model goes on with what it is.</summary>
        public void Adopt(LocalBackend backend, string key)
        {
            KeyDescription? now = backend.FindAsync(key).GetAwaiter().GetResult().Key;
            if (now is { State: not KeyState.Unavailable })
            {
                _keys[key] = (now.State, now.StateBeforeDeletion ?? default);
                return;
            }

            Forget(key);
            if (now is not null)
            {
                Assert.Equal([key], backend.DueAsync(DateTimeOffset.MinValue).GetAwaiter().GetResult());
                Run(backend.DestroyAsync(key));
            }
        }

        public void Check(LocalBackend backend)
        {
            Assert.Empty(backend.Unreadable);
            Assert.Equal(_keys.Keys.Order(StringComparer.Ordinal), backend.ListAsync().GetAwaiter().GetResult().Ids);
            foreach ((string key, (KeyState State, KeyState Before) expected) in _keys)
            {
                Assert.Equal(expected.State, backend.FindAsync(key).GetAwaiter().GetResult().Key!.State);
            }

            foreach ((_, byte[] blob, EncryptionContext context) in _given)
            {
                Assert.Equal(BackendCalls.DataKey, backend.UnwrapAsync(blob, context).GetAwaiter().GetResult().Plaintext);
                Assert.Equal(KmsError.InvalidCiphertext, backend.UnwrapAsync(blob, BackendCalls.Context(("n", "other"))).GetAwaiter().GetResult().Error);
            }
        }

        private void Forget(string key)
        {
            _keys.Remove(key);
            _given.RemoveAll(one => one.Key == key);
        }
    }
}
