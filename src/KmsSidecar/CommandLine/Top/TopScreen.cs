using System.Globalization;
using KmsSidecar.CommandLine.Terminal;

namespace KmsSidecar.CommandLine.Top;

/// <summary>Draws a view as lines of text.</summary>
/// <param name="columns">Of the terminal.</param>
/// <param name="rows">Of the terminal.</param>
internal sealed class TopScreen(int columns, int rows)
{
    private const int NameColumns = 18;
    private const int SurfaceColumns = 12;
    private const int NumberColumns = 8;
    private const int FactColumns = 14;

    /// <summary>Six columns of numbers, and two of names.</summary>
    private const int TableColumns = NameColumns + 1 + SurfaceColumns + (6 * NumberColumns);

    private const int HighTerminal = 30;
    private const int HighGraph = 5;
    private const int SmallestSpark = 12;

    /// <param name="trouble">Why there is nothing newer; null when there is.</param>
    /// <returns>At most as many lines as the terminal has, none of them wider than it.</returns>
    public string[] Draw(TopView view, RateHistory history, string where, string? trouble)
    {
        List<string> facts = [.. view.Facts.Select(DrawFact)];
        List<string> lines = [.. DrawHead(view, where, trouble), .. DrawGraph(view, history), "", Ink.Dim(Cut(DrawHeadings()))];
        int room = Math.Max(1, rows - lines.Count - facts.Count - 2);
        lines.AddRange(view.Operations.Take(room).Select(row => DrawOperation(row, history)));
        if (view.Operations.Count == 0)
        {
            lines.Add(Ink.Dim("no requests yet"));
        }

        lines.Add("");
        lines.AddRange(facts);
        return [.. lines.Take(rows)];
    }

    private IEnumerable<string> DrawHead(TopView view, string where, string? trouble)
    {
        string state = $"{view.State}, generation {view.Generation.ToString(CultureInfo.InvariantCulture)}, up {Quantity.Span(view.Uptime)}";
        string place = where.Length + state.Length + view.Version.Length + 20 < columns ? where : "";
        string title = $"kms-sidecar {view.Version}  ";
        string gap = new(' ', Math.Max(1, columns - title.Length - state.Length - place.Length));
        yield return trouble is null
            ? Ink.Bold(title) + (view.State == "Running" ? Ink.Good(state) : Ink.Warning(Cut(state))) + gap + Ink.Dim(place)
            : Ink.Bold(title) + Ink.Bad(Cut(trouble, columns - title.Length));
    }

    private IEnumerable<string> DrawGraph(TopView view, RateHistory history)
    {
        string failed = $"{Quantity.Rate(view.Failed)} failed/s", refused = $"{Quantity.Rate(view.Refused)} refused/s";
        string rate = $"{Quantity.Rate(view.Rate)} requests/s";
        yield return $"{Ink.Bold(rate)}  {(view.Failed > 0 ? Ink.Bad(failed) : failed)}  {(view.Refused > 0 ? Ink.Warning(refused) : refused)}";
        foreach (string line in Graph.Draw(history.Total, columns, rows >= HighTerminal ? HighGraph : 1))
        {
            yield return Ink.Good(line.TrimEnd());
        }
    }

    private static string DrawHeadings() =>
        $"{"operation",-NameColumns} {"surface",-SurfaceColumns}{"/s",NumberColumns}{"p50",NumberColumns}{"p99",NumberColumns}{"max",NumberColumns}{"failed",NumberColumns}{"refused",NumberColumns}";

    private string DrawOperation(OperationRow row, RateHistory history)
    {
        string failed = $"{Quantity.Rate(row.Failed),NumberColumns}", refused = $"{Quantity.Rate(row.Refused),NumberColumns}";
        string numbers = $"{Cut(row.Operation, NameColumns),-NameColumns} {Cut(row.Surface, SurfaceColumns),-SurfaceColumns}{Quantity.Rate(row.Rate),NumberColumns}"
            + $"{Quantity.Latency(row.Median),NumberColumns}{Quantity.Latency(row.Slow),NumberColumns}{Quantity.Latency(row.Longest),NumberColumns}";
        int spark = columns - TableColumns - 3;
        string bars = spark >= SmallestSpark ? "  " + Ink.Good(Graph.Draw(history.Of(row.Name), spark, 1)[0]) : "";
        return row.Rate > 0
            ? numbers + (row.Failed > 0 ? Ink.Bad(failed) : failed) + (row.Refused > 0 ? Ink.Warning(refused) : refused) + bars
            : Ink.Dim(numbers + failed + refused) + bars;
    }

    private string DrawFact(Fact fact)
    {
        string text = Cut(fact.Text, columns - FactColumns);
        return $"{Ink.Dim(fact.Name.PadRight(FactColumns))}{(fact.IsBad ? Ink.Bad(text) : text)}";
    }

    private string Cut(string text) => Cut(text, columns);

    private static string Cut(string text, int width) => text.Length <= width ? text : $"{text[..Math.Max(0, width - 1)]}…";
}
