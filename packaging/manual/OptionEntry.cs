using System.Collections.Immutable;
using System.CommandLine;
using KmsSidecar.Options;

namespace KmsSidecar.Manual;

/// <summary>What a shell offers for the value of an option.</summary>
internal enum ValueKind
{
    /// <summary>The option has no value.</summary>
    None,
    Text,
    File,
    Directory,
    Group,
    Choice,
}

/// <param name="Name">With its dashes.</param>
/// <param name="Letter">The short form, with its dash; null when there is none.</param>
/// <param name="ValueName">Null for a switch.</param>
internal sealed record OptionEntry(string Name, string? Letter, string? ValueName, string Description, bool IsRequired, bool IsRepeatable)
{
    public static readonly OptionEntry Help = new("--help", null, null, "Show help", IsRequired: false, IsRepeatable: false);

    /// <summary>Empty unless <see cref="Kind"/> is <see cref="ValueKind.Choice"/>.</summary>
    public ImmutableArray<string> Choices { get; } = DaemonOption.All.FirstOrDefault(option => option.Flag == Name)?.Choices ?? [];

    public ValueKind Kind => ValueName switch
    {
        null => ValueKind.None,
        _ when !Choices.IsEmpty => ValueKind.Choice,
        "FILE" or "PATH" => ValueKind.File,
        "DIR" => ValueKind.Directory,
        "GROUP" => ValueKind.Group,
        _ => ValueKind.Text,
    };

    /// <summary>The first clause of the description, for a list beside others.</summary>
    public string Summary => Description.IndexOfAny([';', '[']) is var end and >= 0 ? Description[..end].TrimEnd() : Description;

    public static OptionEntry From(Option option)
    {
        string description = option.Description!;
        if (option.HasDefaultValue && option.ValueType == typeof(string) && !description.Contains("[default:", StringComparison.Ordinal))
        {
            description += $" [default: {option.GetDefaultValue()}]";
        }

        return new OptionEntry(
            option.Name,
            option.Aliases.FirstOrDefault(),
            option.ValueType == typeof(bool) || option.Arity.MaximumNumberOfValues == 0 ? null : option.HelpName ?? "VALUE",
            description,
            option.Required,
            description.Contains("; repeatable", StringComparison.Ordinal));
    }
}
