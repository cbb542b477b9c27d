namespace KmsSidecar.CommandLine.Top;

/// <summary>A history as bars of block characters.</summary>
internal static class Graph
{
    private const string Blocks = " ▁▂▃▄▅▆▇█";
    private const int Steps = 8;

    /// <param name="history">The newest value last; it stands at the right edge.</param>
    /// <returns><paramref name="height"/> lines of <paramref name="width"/> columns, the highest one first.</returns>
    public static string[] Draw(IReadOnlyList<double> history, int width, int height)
    {
        double[] shown = [.. history.Skip(Math.Max(0, history.Count - width))];
        double highest = shown.Length == 0 ? 0 : shown.Max();
        string[] lines = new string[height];
        for (int row = 0; row < height; row++)
        {
            int floor = (height - 1 - row) * Steps;
            lines[row] = new string(' ', width - shown.Length) + string.Concat(shown.Select(value => Bar(value, highest, height, floor)));
        }

        return lines;
    }

    /// <summary>What is there at all can be seen.</summary>
    private static char Bar(double value, double highest, int height, int floor)
    {
        int level = highest > 0 && value > 0 ? Math.Max(1, (int)Math.Round(value / highest * height * Steps)) : 0;
        return Blocks[Math.Clamp(level - floor, 0, Steps)];
    }
}
