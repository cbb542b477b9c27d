using System.Text;

namespace KmsSidecar.Manual;

/// <summary>Writes a page in the macros of man(7).</summary>
internal sealed class Roff
{
    private const int MaxLine = 80;

    private readonly StringBuilder _text = new();

    /// <param name="name">Of the page.</param>
    public Roff(string name, int section, string version, string date)
    {
        Line($".TH {name.ToUpperInvariant()} {section} {date} \"kms-sidecar {version}\" \"kms-sidecar\"");

        // Not justified: there are long names, which are not hyphenated either, since they are copied.
        Line(".ad l");
    }

    public override string ToString() => _text.ToString();

    public void Section(string title) => Line($".SH {title}");

    public void Part(string title) => Line($".SS {Escape(title)}");

    public void Paragraph(string text)
    {
        Line(".PP");
        Text(text);
    }

    /// <summary>A term and what it means.</summary>
    /// <param name="value">After the term, in italics; may be null.</param>
    public void Entry(string term, string? value, string text)
    {
        Line(".TP");
        Line(value is null ? $".B {Quote(term)}" : $".BI {Quote(term + " ")} {Quote(value)}");
        Text(text);
    }

    /// <summary>On a new line of the same paragraph.</summary>
    public void Break(string text)
    {
        Line(".br");
        Text(text);
    }

    /// <summary>The synopsis: commands, each with its arguments, a line for each.</summary>
    public void Usage(IEnumerable<(string Command, string Arguments)> usages)
    {
        string separator = "";
        foreach ((string command, string arguments) in usages)
        {
            _text.Append(separator);
            Line($".BI {Quote(command + " ")} {Quote(arguments)}");
            separator = ".br\n";
        }
    }

    public void Example(string text)
    {
        Line(".PP");
        Line(".in +4n");
        Line(".EX");
        foreach (string line in text.Split('\n'))
        {
            TextLine(Escape(line));
        }

        Line(".EE");
        Line(".in");
    }

    /// <summary>Wrapped, so that no line of the source is longer than a line of a terminal where a blank can break it.</summary>
    public void Text(string text)
    {
        string line = "";
        foreach (string plain in Escape(text).Split(' '))
        {
            string word = plain.AsSpan().ContainsAny("-_/") ? $"\\%{plain}" : plain;
            if (line.Length > 0 && line.Length + word.Length >= MaxLine)
            {
                TextLine(line);
                line = word;
            }
            else
            {
                line = line.Length == 0 ? word : $"{line} {word}";
            }
        }

        TextLine(line);
    }

    private void TextLine(string line) => Line(line.StartsWith('.') || line.StartsWith('\'') ? $"\\&{line}" : line);

    private static string Quote(string text) => $"\"{Escape(text).Replace("\"", "\\(dq", StringComparison.Ordinal)}\"";

    /// <summary>A minus is meant as such everywhere: names and options are copied from here into a shell.</summary>
    private static string Escape(string text) => text
        .Replace("\\", "\\e", StringComparison.Ordinal)
        .Replace("-", "\\-", StringComparison.Ordinal)
        .Replace("'", "\\(aq", StringComparison.Ordinal)
        .Replace("`", "\\(ga", StringComparison.Ordinal)
        .Replace("^", "\\(ha", StringComparison.Ordinal)
        .Replace("~", "\\(ti", StringComparison.Ordinal);

    private void Line(string line) => _text.Append(line).Append('\n');
}
