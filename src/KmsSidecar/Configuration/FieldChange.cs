using System.Collections.Immutable;

namespace KmsSidecar.Configuration;

/// <summary>One field of two configurations, fit to be shown: a secret is only redacted, and said to differ or not.</summary>
/// <param name="Before">A string, bool or long; null when not set.</param>
internal sealed record FieldChange(string Name, object? Before, object? After, bool IsChanged)
{
    public const string Redacted = "[redacted]";

    /// <summary>The fields that differ, and every secret that is set on either side. Holds no secret.</summary>
    public static ImmutableArray<FieldChange> Between(ConfigurationDocument? before, ConfigurationDocument after)
    {
        HashSet<string> different = [.. ConfigurationDocument.Difference(before, after)];
        List<FieldChange> changes = [];
        if (different.Contains("backend_type"))
        {
            changes.Add(new FieldChange("backend_type", before?.Backend.Tag(), after.Backend.Tag(), IsChanged: true));
        }

        foreach (ConfigurationField field in ConfigurationField.All)
        {
            FieldChange change = new(field.Name, Shown(before, field), Shown(after, field), different.Contains(field.Name));
            if (change.IsChanged || change.Before is Redacted || change.After is Redacted)
            {
                changes.Add(change);
            }
        }

        return [.. changes];
    }

    private static object? Shown(ConfigurationDocument? document, ConfigurationField field)
    {
        object? value = document?.Values.FirstOrDefault(entry => entry.Field == field).Value;
        return value is IDisposable ? Redacted : value;
    }
}
