using System.Diagnostics;

namespace KmsSidecar.Bench.Timing;

/// <summary>Times one operation on inputs of two classes, in random order.</summary>
/// <param name="fixedInput">Of the first class.</param>
/// <param name="nextInput">Makes one of the second, of the same length.</param>
/// <param name="run">Must leave its input as it is.</param>
internal sealed class TimingTest(byte[] fixedInput, Func<byte[]> nextInput, Action<byte[]> run)
{
    /// <summary>Calls in one measurement: one alone is near what the clock can tell.</summary>
    private const int Calls = 16;

    /// <summary>What takes longer than most was interrupted, and tells nothing of the operation.</summary>
    private const double Kept = 0.9;

    /// <summary>Both classes are copied here, so that they differ in nothing but their content.</summary>
    private readonly byte[] _input = new byte[fixedInput.Length];

    /// <returns>The t of Welch's test: how many standard errors the two means are apart.</returns>
    public double Measure(int samples)
    {
        long[] times = new long[samples];
        bool[] isSecond = new bool[samples];
        for (int i = 0; i < samples; i++)
        {
            // Made also where it is not needed, so that what was done before a measurement is the same.
            byte[] second = nextInput();
            isSecond[i] = (Random.Shared.Next() & 1) == 1;
            (isSecond[i] ? second : fixedInput).CopyTo(_input, 0);
            long started = Stopwatch.GetTimestamp();
            for (int call = 0; call < Calls; call++)
            {
                run(_input);
            }

            times[i] = Stopwatch.GetTimestamp() - started;
        }

        long longest = times.Order().ElementAt((int)(Kept * (samples - 1)));
        (double firstMean, double firstError) = Estimate(times.Where((time, i) => !isSecond[i] && time <= longest));
        (double secondMean, double secondError) = Estimate(times.Where((time, i) => isSecond[i] && time <= longest));
        return (firstMean - secondMean) / Math.Sqrt(firstError + secondError);
    }

    /// <returns>The mean and the square of its standard error.</returns>
    private static (double Mean, double SquaredError) Estimate(IEnumerable<long> values)
    {
        double[] all = [.. values.Select(static value => (double)value)];
        double mean = all.Average();
        return (mean, all.Sum(value => (value - mean) * (value - mean)) / (all.Length - 1) / all.Length);
    }
}
