namespace KmsSidecar.CommandLine.Client;

/// <summary>What <c>--help</c> says of a command; the manual takes it from there.</summary>
/// <param name="Description">Its first sentence stands alone in lists.</param>
/// <param name="Example">A whole command, or several lines of them.</param>
internal sealed record CommandHelp(string Name, string Description, string Example)
{
    public const string ExampleHeading = "Example:";

    public string Text => $"{Description}\n\n{ExampleHeading}\n  {Example.Replace("\n", "\n  ", StringComparison.Ordinal)}";
}
