using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using KmsSidecar.Crypto;

namespace KmsSidecar.Bench.Timing;

/// <summary>Looks whether the time of a wrap, an unwrap or a key set-up depends on a secret, as dudect does (Reparaz, Balasch and
/// Verbauwhede, 2017): two classes of input in random order, and Welch's t-test on their times. It reports and does not judge.</summary>
internal static class TimingCommand
{
    private const int TagBytes = AeadKey.TagLength;
    private const int DataKeyBytes = 256 / 8;

    public static Command Create()
    {
        Option<int> samples = BoundedOption.Create("--samples", "Measurements for each comparison.", 200_000, 1_000, 10_000_000);
        Command command = new("timing", "Compares how long secrets of two kinds take, and prints a Markdown table.") { samples };
        command.SetAction(parsed => Run(parsed.GetValue(samples)));
        return command;
    }

    private static void Run(int samples)
    {
        Console.WriteLine("| engine | what differs | t of Welch, without its sign |\n| --- | --- | --: |");
        CompareLeaky(samples);
        foreach (AeadEngine? engine in (AeadEngine?[])[AeadEngine.Hardware, AeadEngine.Framework])
        {
            if (engine is not null)
            {
                Compare(engine, samples);
            }
        }

        Console.WriteLine("\nBeyond 10 there is a dependence, below 4.5 none that so many measurements show.");
    }

    /// <summary>So that it shows what a dependence looks like.</summary>
    private static void CompareLeaky(int samples)
    {
        byte[] tag = RandomNumberGenerator.GetBytes(TagBytes);
        byte[] other = Changed(tag, TagBytes - 1);
        Report("none", samples, "to compare: a comparison that ends with the first byte that differs", Changed(tag, 0), () => other, input =>
        {
            for (int i = 0; i < TagBytes && input[i] == tag[i]; i++)
            {
            }
        });
    }

    private static void Compare(AeadEngine engine, int samples)
    {
        using AeadKey key = AeadKey.From(RandomNumberGenerator.GetBytes(AeadKey.KeyLength), engine);
        byte[] nonce = RandomNumberGenerator.GetBytes(AeadKey.XaesNonceLength);
        byte[] context = RandomNumberGenerator.GetBytes(96);
        byte[] dataKey = RandomNumberGenerator.GetBytes(DataKeyBytes);
        byte[] wrapped = new byte[DataKeyBytes + TagBytes];
        byte[] opened = new byte[DataKeyBytes];
        key.SealXaes(nonce, dataKey, context, wrapped);

        byte[] wrongAtTheEnd = Changed(wrapped, wrapped.Length - 1);
        Report(engine.Name, samples, "a wrong tag: its first byte, or its last", Changed(wrapped, DataKeyBytes), () => wrongAtTheEnd,
            input => key.TryOpenXaes(nonce, input, context, opened));
        Report(engine.Name, samples, "the data key: zero, or random", new byte[DataKeyBytes],
            static () => RandomNumberGenerator.GetBytes(DataKeyBytes),
            input => key.SealXaes(nonce, input, context, wrapped));
        Report(engine.Name, samples, "the wrapping key: zero, or random", new byte[AeadKey.KeyLength],
            static () => RandomNumberGenerator.GetBytes(AeadKey.KeyLength),
            input => AeadKey.From(input, engine).Dispose());
    }

    private static void Report(string engine, int samples, string what, byte[] one, Func<byte[]> other, Action<byte[]> run)
    {
        double t = new TimingTest(one, other, run).Measure(samples);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {engine} | {what} | {Math.Abs(t):F1} |"));
    }

    private static byte[] Changed(byte[] bytes, int at)
    {
        byte[] changed = [.. bytes];
        changed[at] ^= 1;
        return changed;
    }
}
