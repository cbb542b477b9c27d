using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Sealing;

namespace KmsSidecar.Lifecycle;

/// <summary>The file that keeps, through a restart, when each decrypt-only backend was last used.</summary>
/// <remarks>Lines of a name and Unix seconds, sealed. Calls are serialised by the caller.</remarks>
internal sealed class LastUses(SealedFiles files, ILogger log)
{
    private const string FileName = "last-uses";

    private string _stored = "";

    /// <summary>Gives entries the times that an earlier process noted. Where the file does not open, each counts as used now: not knowing is
    /// no proof that nobody needs it.</summary>
    public void Load(ImmutableArray<DecryptOnlyEntry> entries, DateTimeOffset now)
    {
        if (!files.Exists(FileName))
        {
            return;
        }

        Dictionary<string, DateTimeOffset>? known = TryRead(out string? fault);
        if (known is null)
        {
            LifecycleLog.StateFileDamaged(log, files.PathOf(FileName), fault!, "every decrypt-only backend counts as used now");
        }

        foreach (DecryptOnlyEntry entry in entries)
        {
            if (known is null)
            {
                entry.Use.Restore(now);
            }
            else if (known.TryGetValue(entry.Name, out DateTimeOffset at))
            {
                entry.Use.Restore(at);
            }
        }
    }

    /// <summary>Makes the times durable if any has changed.</summary>
    /// <exception cref="KmsException">StorageFailed: the next call tries again.</exception>
    public void Note(ImmutableArray<DecryptOnlyEntry> entries, DateTimeOffset now)
    {
        StringBuilder text = new();
        foreach (DecryptOnlyEntry entry in entries)
        {
            if (entry.LastUsedAt(now) is { } at)
            {
                text.Append(CultureInfo.InvariantCulture, $"{entry.Name} {at.ToUnixTimeSeconds()}\n");
            }
        }

        string wanted = text.ToString();
        if (wanted.Length > 0 && wanted != _stored)
        {
            files.Write(FileName, Encoding.ASCII.GetBytes(wanted));
            _stored = wanted;
        }
    }

    private Dictionary<string, DateTimeOffset>? TryRead(out string? fault)
    {
        try
        {
            fault = files.TryRead(FileName, out SecretBytes? content);
            using (content)
            {
                return fault is null ? Parse(Encoding.ASCII.GetString(content!.Span), out fault) : null;
            }
        }
        catch (KmsException unreadable)
        {
            fault = unreadable.Message;
            return null;
        }
    }

    private Dictionary<string, DateTimeOffset>? Parse(string text, out string? fault)
    {
        fault = null;
        Dictionary<string, DateTimeOffset> known = [];
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Split(' ') is not [{ } name, { } seconds]
                || !long.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out long at)
                || at > DateTimeOffset.MaxValue.ToUnixTimeSeconds())
            {
                fault = "it is not a list of names and times";
                return null;
            }

            known[name] = DateTimeOffset.FromUnixTimeSeconds(at);
        }

        _stored = text;
        return known;
    }
}
