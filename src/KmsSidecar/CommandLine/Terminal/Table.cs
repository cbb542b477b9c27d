namespace KmsSidecar.CommandLine.Terminal;

/// <summary>Aligned columns. The last one has the width that it needs.</summary>
/// <param name="headings">None for a table without them.</param>
internal sealed class Table(params string[] headings)
{
    private const string Gap = "  ";

    private readonly List<string[]> _rows = headings.Length == 0 ? [] : [[.. headings.Select(Ink.Dim)]];

    /// <param name="cells">Printable, but for <see cref="Ink"/>.</param>
    public void Add(params string[] cells) => _rows.Add(cells);

    public void WriteTo(TextWriter output)
    {
        int columns = _rows.Count == 0 ? 0 : _rows.Max(static row => row.Length);
        int[] widths = [.. Enumerable.Range(0, columns).Select(WidthOf)];
        foreach (string[] row in _rows)
        {
            IEnumerable<string> cells = row.Select((cell, i) =>
                i == row.Length - 1 ? cell : cell + new string(' ', widths[i] - Ink.WidthOf(cell)));
            output.WriteLine(string.Join(Gap, cells).TrimEnd());
        }
    }

    private int WidthOf(int column) => _rows.Max(row => column < row.Length ? Ink.WidthOf(row[column]) : 0);
}
