using System.Globalization;
using KmsSidecar.Audit;

namespace KmsSidecar.Options;

/// <summary>Reads the settings of the audit log.</summary>
internal static class AuditOptions
{
    private const long Kilo = 1024;

    /// <summary>A line has room in it many times over.</summary>
    private const long SmallestFile = 64 * Kilo;

    /// <returns>Null when nothing is recorded, or the values have faults.</returns>
    public static AuditSettings? From(OptionValues values)
    {
        string mode = Choose(values, DaemonOption.Audit);
        string rule = Choose(values, DaemonOption.AuditFull);
        long? fileBytes = ReadSize(values, DaemonOption.AuditFileSize);
        long? keptBytes = ReadSize(values, DaemonOption.AuditKeep);
        if (keptBytes < 2 * fileBytes)
        {
            OptionValue given = values.Find(DaemonOption.AuditKeep) ?? values.Find(DaemonOption.AuditFileSize)!.Value;
            values.Refuse(given, $"two files of {DaemonOption.AuditFileSize.Flag} have to have room in {DaemonOption.AuditKeep.Flag}");
        }

        return mode == "off" ? null : new AuditSettings(
            ReadDirectory(values), mode == "strict", rule == "refuse", fileBytes ?? SmallestFile, ReadAge(values), keptBytes ?? SmallestFile);
    }

    /// <summary>Where the log is.</summary>
    public static string DirectoryOf(DaemonOptions options) => options.Audit?.Directory ?? Path.Join(options.StateDirectory, AuditLog.DirectoryName);

    private static string Choose(OptionValues values, DaemonOption option)
    {
        string text = values.Text(option) ?? option.Default;
        if (!option.Choices.Contains(text))
        {
            values.Refuse(values.Find(option)!.Value, $"expected {string.Join(", ", option.Choices[..^1])} or {option.Choices[^1]}");
        }

        return text;
    }

    private static string? ReadDirectory(OptionValues values)
    {
        if (values.Find(DaemonOption.AuditDir) is { } given && !Path.IsPathFullyQualified(given.Text))
        {
            values.Refuse(given, "expected an absolute path");
        }

        return values.Text(DaemonOption.AuditDir);
    }

    private static long? ReadSize(OptionValues values, DaemonOption option)
    {
        string text = values.Text(option) ?? option.Default;
        long unit = text.Length == 0 ? 1 : text[^1] switch
        {
            'K' => Kilo,
            'M' => Kilo * Kilo,
            'G' => Kilo * Kilo * Kilo,
            _ => 1,
        };
        ReadOnlySpan<char> digits = unit == 1 ? text : text.AsSpan(0, text.Length - 1);
        if (long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long count)
            && count <= long.MaxValue / (4 * unit) && count * unit >= SmallestFile)
        {
            return count * unit;
        }

        values.Refuse(values.Find(option)!.Value, "expected a size such as 64M, at least 64K");
        return null;
    }

    private static TimeSpan ReadAge(OptionValues values)
    {
        const int MaxHours = 24 * 366;
        string text = values.Text(DaemonOption.AuditFileAge) ?? DaemonOption.AuditFileAge.Default;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int hours) && hours is > 0 and <= MaxHours)
        {
            return TimeSpan.FromHours(hours);
        }

        values.Refuse(values.Find(DaemonOption.AuditFileAge)!.Value, $"expected a number of hours, 1 to {MaxHours}");
        return TimeSpan.FromHours(1);
    }
}
