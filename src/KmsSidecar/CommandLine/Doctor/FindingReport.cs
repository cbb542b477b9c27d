using System.Text.Json;
using KmsSidecar.CommandLine.Terminal;

namespace KmsSidecar.CommandLine.Doctor;

/// <summary>What has been found, for people and for programs.</summary>
internal static class FindingReport
{
    private const string Indent = "  ";

    public static void WriteTo(TextWriter output, Findings findings)
    {
        int width = findings.All.Max(static found => found.Finding.Name.Length);
        string group = "";
        foreach ((string next, Finding finding) in findings.All)
        {
            if (next != group)
            {
                output.WriteLine(Ink.Bold(next));
                group = next;
            }

            output.WriteLine($"{Indent}{Mark(finding.Verdict)}  {finding.Name.PadRight(width)}  {finding.Sentence}");
            if (finding.Mend is { } mend)
            {
                output.WriteLine($"{Indent}{"",-7}  {"".PadRight(width)}  {Ink.Dim("mend:")} {mend}");
            }
        }

        output.WriteLine();
        output.WriteLine(Sum(findings));
    }

    public static void WriteTo(Utf8JsonWriter writer, Findings findings)
    {
        writer.WriteStartObject();
        foreach (Verdict verdict in (Verdict[])[Verdict.Ok, Verdict.Skipped, Verdict.Warning, Verdict.Fault])
        {
            writer.WriteNumber(NameOf(verdict), findings.Count(verdict));
        }

        writer.WriteNumber("exit_code", findings.ExitCode);
        writer.WriteStartArray("findings");
        foreach ((string group, Finding finding) in findings.All)
        {
            writer.WriteStartObject();
            writer.WriteString("group", group);
            writer.WriteString("name", finding.Name);
            writer.WriteString("verdict", NameOf(finding.Verdict));
            writer.WriteString("message", finding.Sentence);
            writer.WriteString("mend", finding.Mend);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static string Sum(Findings findings)
    {
        int warnings = findings.Count(Verdict.Warning), faults = findings.Count(Verdict.Fault), skipped = findings.Count(Verdict.Skipped);
        string sum = $"{findings.Count(Verdict.Ok)} ok, {warnings} {(warnings == 1 ? "warning" : "warnings")}, {faults} {(faults == 1 ? "fault" : "faults")}";
        sum = skipped == 0 ? sum : $"{sum}, {skipped} skipped";
        return faults > 0 ? Ink.Bad(sum) : warnings > 0 ? Ink.Warning(sum) : Ink.Good(sum);
    }

    private static string Mark(Verdict verdict)
    {
        string name = NameOf(verdict).PadRight("warning".Length);
        return verdict switch
        {
            Verdict.Ok => Ink.Good(name),
            Verdict.Warning => Ink.Warning(name),
            Verdict.Fault => Ink.Bad(name),
            _ => Ink.Dim(name),
        };
    }

    private static string NameOf(Verdict verdict) => verdict switch
    {
        Verdict.Ok => "ok",
        Verdict.Skipped => "skipped",
        Verdict.Warning => "warning",
        _ => "fault",
    };
}
