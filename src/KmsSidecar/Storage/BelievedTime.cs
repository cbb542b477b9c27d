using System.Globalization;
using System.Text;
using KmsSidecar.Errors;

namespace KmsSidecar.Storage;

/// <summary>What the clock said when it was last taken for right, so that a later start sees how far it has gone since.</summary>
internal sealed class BelievedTime(DurableDirectory directory)
{
    public const string FileName = "clock";

    private const UnixFileMode FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int MaxBytes = 20;

    /// <summary>Null when none was kept; long ago when what was kept cannot be read.</summary>
    /// <exception cref="KmsException">StorageFailed.</exception>
    public DateTimeOffset? Find() => directory.TryRead(FileName, MaxBytes) is not { } content ? null
        : long.TryParse(content, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds) && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
        : DateTimeOffset.UnixEpoch;

    /// <summary>A full disk does not matter: then the time before stays.</summary>
    public void Keep(DateTimeOffset time)
    {
        try
        {
            directory.Replace(FileName, Encoding.ASCII.GetBytes(time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)), FileMode);
        }
        catch (KmsException full) when (full.Cause is FaultCause.Disk or FaultCause.ReadOnly)
        {
        }
    }
}
