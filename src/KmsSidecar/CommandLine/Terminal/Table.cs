using System.Text;

namespace KmsSidecar.CommandLine.Terminal;

/// <summary>Aligned columns.</summary>
/// <param name="headings">None for a table without them.</param>
internal sealed class Table(params string[] headings)
{
    private const string Gap = "  ";

    private readonly List<string[]> _rows = headings.Length == 0 ? [] : [[.. headings.Select(Ink.Dim)]];

    /// <param name="cells">Printable, but for <see cref="Ink"/>.</param>
    public void Add(params string[] cells) => _rows.Add(cells);

    public void WriteTo(TextWriter output)
    {
        int[] widths = Widths();
        foreach (string[] row in _rows)
        {
            StringBuilder line = new();
            for (int i = 0; i < row.Length; i++)
            {
                line.Append(row[i]).Append(' ', widths[i] - Ink.WidthOf(row[i])).Append(Gap);
            }

            output.WriteLine(line.ToString().TrimEnd());
        }
    }

    private int[] Widths()
    {
        int[] widths = [];
        foreach (string[] row in _rows)
        {
            Array.Resize(ref widths, Math.Max(widths.Length, row.Length));
            for (int i = 0; i < row.Length; i++)
            {
                widths[i] = Math.Max(widths[i], Ink.WidthOf(row[i]));
            }
        }

        return widths;
    }
}
