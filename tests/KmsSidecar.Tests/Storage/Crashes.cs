using KmsSidecar.Storage;
using Xunit;

namespace KmsSidecar.Tests.Storage;

internal enum Aftermath
{
    ProcessStopped,
    PowerLostNamesLost,
    PowerLostNamesKept,
}

/// <summary>Every way in which a piece of work on a directory can be cut short.</summary>
internal static class Crashes
{
    /// <summary>Does the work once for every step of it, every stop point and every aftermath, each time on a fresh disk.</summary>
    /// <param name="prepare">Puts down what was there before the work.</param>
    /// <param name="inspect">Looks at what is left; the text tells where the work was cut.</param>
    /// <returns>Number of crashes.</returns>
    public static int Every(Action<string> prepare, Action<string, IFileSteps> work, Action<string, string> inspect)
    {
        StoppingSteps counted = Count(prepare, work);
        int crashes = 0;
        foreach (Aftermath aftermath in Enum.GetValues<Aftermath>())
        {
            foreach (StopPoint point in Enum.GetValues<StopPoint>())
            {
                foreach (int step in point == StopPoint.Halfway ? counted.Divisible : Enumerable.Range(0, counted.Count))
                {
                    using TempDirectory directory = new();
                    prepare(directory.FullPath);
                    VolatileDisk disk = new();
                    Assert.Throws<ProcessStoppedException>(() => work(directory.FullPath, new StoppingSteps(disk, step, point)));
                    if (aftermath != Aftermath.ProcessStopped)
                    {
                        disk.LosePower(keepNames: aftermath == Aftermath.PowerLostNamesKept);
                    }

                    inspect(directory.FullPath, $"{point} step {step} of {counted.Count}, {aftermath}");
                    crashes++;
                }
            }
        }

        return crashes;
    }

    public static int CountSteps(Action<string> prepare, Action<string, IFileSteps> work) => Count(prepare, work).Count;

    private static StoppingSteps Count(Action<string> prepare, Action<string, IFileSteps> work)
    {
        using TempDirectory directory = new();
        prepare(directory.FullPath);
        StoppingSteps counting = new(new SystemFileSteps(), StoppingSteps.Never, StopPoint.Before);
        work(directory.FullPath, counting);
        return counting;
    }
}
