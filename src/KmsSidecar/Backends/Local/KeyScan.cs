using System.Collections.Immutable;

namespace KmsSidecar.Backends.Local;

/// <summary>Reads every key once, to find those that cannot be used and those that are to be destroyed: a small directory at open, the rest of
/// a large one in the background.</summary>
internal sealed class KeyScan : IDisposable
{
    /// <summary>Keys that are read, and kept in memory, before the backend serves; reading one takes about 50 µs.</summary>
    public const int ReadAtOpen = 1000;

    /// <summary>Keys between two pauses of the background scan, which leaves the processor to requests.</summary>
    private const int Batch = 64;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    private readonly CancellationTokenSource _end = new();
    private readonly Task _run;

    private KeyScan(Keyring keys, ImmutableArray<string> rest) => _run = rest.IsEmpty ? Task.CompletedTask : Task.Run(() => RunAsync(keys, rest));

    /// <summary>Reads what is read at open, and on until one key has opened; begins the scan of the rest.</summary>
    /// <param name="noneOpened">There are keys, but not one of them belongs to this master key.</param>
    public static KeyScan Begin(Keyring keys, out bool noneOpened)
    {
        (bool foreign, bool opened) = (false, false);
        int next = 0;

        // Order costs time that a large directory does not have at open; a small one is reported in it.
        ImmutableArray<string> ids = keys.UncheckedCount > ReadAtOpen ? [.. keys.UnorderedIds] : [.. keys.Ids];
        for (; next < ids.Length && (next < ReadAtOpen || !opened); next++)
        {
            KeyFileVerdict verdict = keys.Check(ids[next], keep: next < ReadAtOpen);
            opened |= verdict == KeyFileVerdict.Good;
            foreign |= verdict == KeyFileVerdict.MaterialAuthenticationFailed;
        }

        noneOpened = foreign && !opened;
        return new KeyScan(keys, ids[next..]);
    }

    /// <summary>Ends the scan and waits for the key that it is reading.</summary>
    public void Dispose()
    {
        _end.Cancel();
        _run.GetAwaiter().GetResult();
        _end.Dispose();
    }

    private async Task RunAsync(Keyring keys, ImmutableArray<string> rest)
    {
        // Whoever asks for the first page then finds the order made.
        _ = keys.Ids;
        for (int i = 0; i < rest.Length && !_end.IsCancellationRequested; i++)
        {
            keys.Check(rest[i], keep: false);
            if (i % Batch == Batch - 1)
            {
                await Task.Delay(Pause, _end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
