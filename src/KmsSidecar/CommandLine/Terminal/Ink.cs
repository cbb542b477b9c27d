namespace KmsSidecar.CommandLine.Terminal;

/// <summary>Colours on a terminal, and nothing on a pipe.</summary>
/// <remarks>Source: ECMA-48, section 8.3.117 (SGR), and no-color.org.</remarks>
internal static class Ink
{
    public static bool IsColoured { get; } =
        !Console.IsOutputRedirected
        && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
        && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb");

    public static string Good(string text) => Paint("32", text);

    public static string Warning(string text) => Paint("33", text);

    public static string Bad(string text) => Paint("31;1", text);

    public static string Dim(string text) => Paint("2", text);

    public static string Bold(string text) => Paint("1", text);

    /// <summary>Columns that a text takes: escape sequences take none.</summary>
    public static int WidthOf(string text)
    {
        int width = 0;
        bool isEscape = false;
        foreach (char value in text)
        {
            isEscape |= value == '\e';
            width += isEscape ? 0 : 1;
            isEscape &= value != 'm';
        }

        return width;
    }

    private static string Paint(string colour, string text) => IsColoured ? $"\e[{colour}m{text}\e[0m" : text;
}
