using System.Globalization;
using System.Text;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Sealing;

namespace KmsSidecar.Lifecycle;

/// <summary>The last configurations and whether the service was running, sealed and durable.</summary>
/// <remarks>
/// <para>Each change is one new file <c>NNNNNNNNNN.generation</c>; the one with the highest number is in effect. Publishing a file is the
/// moment of the change: before it the old configuration is in effect, after it the new one, and there is no state between.
/// <c>running</c> notes the last start or stop, and of which generation.</para>
/// <para>A file that does not open is reported by name and passed over; its number is not used again. Calls that write are serialised by
/// the caller; reading is safe at any time.</para>
/// </remarks>
internal sealed class ConfigurationStore(SealedFiles files, ILoggerFactory logs)
{
    /// <summary>How many configurations are kept.</summary>
    public const int Kept = 10;

    private const string Suffix = ".generation";
    private const string RunningName = "running";
    private const string Yes = "true";
    private const string No = "false";

    /// <summary>When the decrypt-only backends were last used.</summary>
    public LastUses LastUses { get; } = new(files, logs.CreateLogger("rustfs::kms::configuration"));

    private readonly ILogger _log = logs.CreateLogger("rustfs::kms::configuration");

    /// <summary>The newest configuration that opens; null when there is none. The caller disposes it.</summary>
    public StoredGeneration? LoadNewest()
    {
        List<(string File, string Reason)> damaged = [];
        StoredGeneration? newest = null;
        foreach (long number in Numbers().OrderDescending())
        {
            newest = TryLoad(number, out string? reason);
            if (newest is not null)
            {
                break;
            }

            damaged.Add((files.PathOf(NameOf(number)), reason!));
        }

        string used = newest is null ? "none, the service is not configured" : $"generation {newest.Number}";
        foreach ((string file, string reason) in damaged)
        {
            LifecycleLog.StateFileDamaged(_log, file, reason, used);
        }

        return newest;
    }

    /// <summary>One configuration; null when it is not kept or does not open. The caller disposes it.</summary>
    public StoredGeneration? Load(long number) => TryLoad(number, out _);

    /// <summary>All that open, newest first. The caller disposes each.</summary>
    public IEnumerable<StoredGeneration> LoadAll()
    {
        foreach (long number in Numbers().OrderDescending())
        {
            if (TryLoad(number, out _) is { } generation)
            {
                yield return generation;
            }
        }
    }

    /// <summary>Where a rollback from a generation goes; null when there is nothing to go back to.</summary>
    public long? ParentOf(long number)
    {
        using StoredGeneration? generation = Load(number);
        return generation?.Parent;
    }

    /// <summary>One more than any file has, so that a damaged one is not written over.</summary>
    public long NextNumber() => Numbers().DefaultIfEmpty(0).Max() + 1;

    /// <summary>Puts a configuration into effect. The oldest ones go.</summary>
    /// <exception cref="KmsException">StorageFailed, or InvalidConfiguration for one that a later start could not read: the former one stays
    /// in effect.</exception>
    public void Append(StoredGeneration generation)
    {
        using SecretBuffer text = new();
        WriteStorable(generation, text);
        files.Create(NameOf(generation.Number), text.WrittenSpan);
        Prune();
    }

    /// <summary>Refuses what <see cref="Append"/> would refuse without writing.</summary>
    /// <exception cref="KmsException">InvalidConfiguration.</exception>
    public static void EnsureStorable(StoredGeneration generation)
    {
        using SecretBuffer text = new();
        WriteStorable(generation, text);
    }

    /// <summary>Notes a start or a stop of the current generation.</summary>
    public void MarkRunning(long generation, bool running) =>
        files.Write(RunningName, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{generation} {(running ? Yes : No)}")));

    /// <summary>Whether the service was to run when the process ended: what the newest of mark and generation says.
    /// A mark that does not open counts as running: objects stay readable.</summary>
    public bool WasRunning(StoredGeneration newest)
    {
        if (!files.Exists(RunningName))
        {
            return newest.Running;
        }

        if (!TryReadMark(out long generation, out bool running, out string? fault))
        {
            LifecycleLog.StateFileDamaged(_log, files.PathOf(RunningName), fault!, "running");
            return true;
        }

        return generation >= newest.Number ? running : newest.Running;
    }

    private bool TryReadMark(out long generation, out bool running, out string? fault)
    {
        (generation, running) = (0, false);
        try
        {
            fault = files.TryRead(RunningName, out SecretBytes? content);
            if (fault is not null)
            {
                return false;
            }

            using (content)
            {
                string[] words = Encoding.ASCII.GetString(content!.Span).Split(' ');
                running = words[^1] == Yes;
                fault = "it is not a run state";
                return words is [_, Yes or No] && long.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out generation);
            }
        }
        catch (KmsException unreadable)
        {
            fault = unreadable.Message;
            return false;
        }
    }

    private static string NameOf(long number) => number.ToString("D10", CultureInfo.InvariantCulture) + Suffix;

    /// <summary>Writing has no bounds and reading has: what is past them is refused now, and is not found to be damaged at the next start.</summary>
    private static void WriteStorable(StoredGeneration generation, SecretBuffer text)
    {
        generation.WriteTo(text);
        try
        {
            StoredGeneration.Read(text.WrittenSpan).Dispose();
        }
        catch (KmsException unreadable)
        {
            throw new KmsException(KmsError.InvalidConfiguration, $"this configuration cannot be stored: {unreadable.Message}", unreadable);
        }
    }

    private void Prune()
    {
        try
        {
            foreach (long old in Numbers().OrderDescending().Skip(Kept))
            {
                files.Delete(NameOf(old));
            }
        }
        catch (KmsException)
        {
            // The change is in effect already; the next one tries again.
        }
    }

    private IEnumerable<long> Numbers()
    {
        foreach (string name in files.List())
        {
            if (name.EndsWith(Suffix, StringComparison.Ordinal)
                && long.TryParse(name.AsSpan(0, name.Length - Suffix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long number)
                && NameOf(number) == name)
            {
                yield return number;
            }
        }
    }

    private StoredGeneration? TryLoad(long number, out string? reason)
    {
        reason = null;
        try
        {
            reason = files.TryRead(NameOf(number), out SecretBytes? content);
            if (reason is not null)
            {
                return null;
            }

            using (content)
            {
                return StoredGeneration.Read(content!.Span);
            }
        }
        catch (KmsException unreadable)
        {
            reason = unreadable.Message;
            return null;
        }
    }
}
