using System.Collections.Concurrent;
using KmsSidecar.Configuration;
using KmsSidecar.Errors;
using KmsSidecar.Lifecycle;
using KmsSidecar.Storage;
using KmsSidecar.Tests.Storage;
using Xunit;

namespace KmsSidecar.Tests.Lifecycle;

/// <summary>The process ends at every step that a change makes on disk, torn writes and lost power included: afterwards the old state is there, or
/// the new one, and nothing else.</summary>
public sealed class CrashedChangeTests
{
    /// <summary>The change, what was before it, and what may be after a crash in it: state, cache time to live (0 for unset), and decrypt-only backends.</summary>
    public static TheoryData<string, string, string[]> Changes => new()
    {
        { "first use", "nothing", ["NotConfigured 0"] },
        { "configure", "nothing", ["NotConfigured 0", "Configured 1"] },
        { "configure", "configured", ["Configured 0", "Configured 1"] },
        { "reconfigure", "configured", ["Configured 0", "Configured 1"] },
        { "reconfigure", "running", ["Running 0", "Running 1"] },
        { "reconfigure", "history", ["Running 11", "Running 1"] },
        { "start", "configured", ["Configured 0", "Running 0"] },
        { "stop", "running", ["Running 0", "Configured 0"] },
        { "rollback", "history", ["Running 11", "Running 10"] },
        { "switch", "running", ["Running 0", "Running 0 local-1"] },
        { "drop", "switched", ["Running 0 local-1", "Running 0"] },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void CrashAnywhere_LeavesTheOldStateOrTheNew(string change, string before, string[] after)
    {
        ConcurrentDictionary<string, MemoryPlace> places = [];
        byte[]? blob = null;
        int crashes = Crashes.Every(
            path =>
            {
                places = [];
                blob = Prepare(path, places, before);
            },
            (path, steps) => Do(change, path, places, steps),
            (path, cut) =>
            {
                using ServiceUnderTest service = new(path, places);
                Assert.DoesNotContain("damaged", service.Log.Text, StringComparison.Ordinal);
                Assert.True(after.Contains(Describe(service)), $"{Describe(service)} after {cut}");
                if (blob is not null && service.State == ServiceState.Running)
                {
                    Assert.Equal(KmsError.None, service.OpenAsync(blob).GetAwaiter().GetResult());
                }

                service.ReconfigureAsync("""{"backend_type":"local","key_dir":"/a","cache_ttl_seconds":99}""").GetAwaiter().GetResult();
                Assert.Contains(" 99", Describe(service), StringComparison.Ordinal);
            });

        Assert.True(crashes > 20, $"only {crashes} crashes were tried");
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void FullDiskAnywhere_LeavesTheOldConfiguration(string change, string before, string[] after)
    {
        ConcurrentDictionary<string, MemoryPlace> places = [];
        int steps = Crashes.CountSteps(
            path => Prepare(path, places = [], before),
            (path, counted) => Do(change, path, places, counted));
        for (int step = 0; step < steps; step++)
        {
            using TempDirectory directory = new();
            Prepare(directory.FullPath, places = [], before);
            Exception? refused = Record.Exception(
                () => Do(change, directory.FullPath, places, new FailingSteps(new SystemFileSteps(), step, Errno.NoSpace)));

            Assert.True(refused is null or KmsException { Error: KmsError.StorageFailed }, $"{refused} at step {step}");
            using ServiceUnderTest service = new(directory.FullPath, places);
            Assert.DoesNotContain("damaged", service.Log.Text, StringComparison.Ordinal);
            string found = Describe(service);
            Assert.True(after.Contains(found), $"{found} after a full disk at step {step}");

            // A configuration that was refused is not in effect. (The run state may be: it is what was asked for.)
            if (refused is not null && change is "configure" or "reconfigure" or "rollback" or "drop")
            {
                Assert.True(found == after[0], $"{found} after a refusal at step {step}");
            }
        }
    }

    private static byte[]? Prepare(string path, ConcurrentDictionary<string, MemoryPlace> places, string before)
    {
        if (before == "nothing")
        {
            return null;
        }

        using ServiceUnderTest service = new(path, places);
        service.ConfigureAsync(ServiceUnderTest.Local("/a")).GetAwaiter().GetResult();
        if (before == "configured")
        {
            return null;
        }

        service.StartAsync().GetAwaiter().GetResult();
        if (before == "switched")
        {
            service.ReconfigureAsync("""{"key_dir":"/b"}""").GetAwaiter().GetResult();
        }

        if (before == "history")
        {
            for (int i = 2; i <= 11; i++)
            {
                service.ReconfigureAsync($$"""{"cache_ttl_seconds":{{i}}}""").GetAwaiter().GetResult();
            }
        }

        return service.WrapAsync().GetAwaiter().GetResult().Blob;
    }

    private static void Do(string change, string path, ConcurrentDictionary<string, MemoryPlace> places, IFileSteps steps)
    {
        using ServiceUnderTest service = new(path, places, steps);
        Task done = change switch
        {
            "configure" => service.ConfigureAsync("""{"backend_type":"local","key_dir":"/a","default_key_id":"master","cache_ttl_seconds":1}"""),
            "reconfigure" => service.ReconfigureAsync("""{"cache_ttl_seconds":1}"""),
            "start" => service.StartAsync(),
            "stop" => service.StopAsync(),
            "rollback" => service.RollbackAsync(),
            "drop" => service.Service.DropDecryptOnlyAsync("local-1", force: true, ServiceUnderTest.Operator, CancellationToken.None),
            "switch" => service.ReconfigureAsync("""{"key_dir":"/b"}"""),
            _ => Task.CompletedTask,
        };
        done.GetAwaiter().GetResult();
    }

    private static string Describe(ServiceUnderTest service) => service.Look(
        static snapshot => $"{snapshot.State} {snapshot.Document?.Number(ConfigurationField.CacheTtlSeconds) ?? 0}" + string.Concat(snapshot.DecryptOnly.Select(static entry => $" {entry.Name}")));
}
