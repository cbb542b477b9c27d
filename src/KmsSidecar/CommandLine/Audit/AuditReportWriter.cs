using System.Text.Json;
using KmsSidecar.Audit;

namespace KmsSidecar.CommandLine.Audit;

/// <summary>What <c>audit verify</c> has found, for people and for programs.</summary>
internal static class AuditReportWriter
{
    public static void WriteTo(TextWriter output, AuditReport report, string directory)
    {
        foreach (AuditFault fault in report.Faults)
        {
            output.WriteLine(fault);
        }

        foreach (string note in report.Notes)
        {
            output.WriteLine($"note: {note}");
        }

        output.WriteLine(report.Records == 0
            ? $"{directory}: no audit log"
            : $"{directory}: {report.Records} records ({report.FirstSequence} to {report.LastSequence}) in {report.Files} files, {report.Heads} signed heads, {FaultsOf(report)}");
    }

    public static void WriteTo(Utf8JsonWriter writer, AuditReport report)
    {
        writer.WriteStartObject();
        writer.WriteBoolean("ok", report.FaultCount == 0);
        writer.WriteNumber("files", report.Files);
        writer.WriteNumber("records", report.Records);
        writer.WriteNumber("first_seq", report.FirstSequence);
        writer.WriteNumber("last_seq", report.LastSequence);
        writer.WriteNumber("signed_seq", report.SignedSequence);
        writer.WriteNumber("heads", report.Heads);
        writer.WriteNumber("lost", report.Lost);
        writer.WriteNumber("fault_count", report.FaultCount);
        writer.WriteStartArray("faults");
        foreach (AuditFault fault in report.Faults)
        {
            Write(writer, fault);
        }

        writer.WriteEndArray();
        writer.WriteStartArray("notes");
        foreach (string note in report.Notes)
        {
            writer.WriteStringValue(note);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, AuditFault fault)
    {
        writer.WriteStartObject();
        writer.WriteString("file", fault.File);
        writer.WriteNumber("line", fault.Line);
        writer.WriteNumber("seq", fault.Sequence);
        writer.WriteString("kind", fault.Kind);
        writer.WriteString("message", fault.Message);
        writer.WriteEndObject();
    }

    private static string FaultsOf(AuditReport report) => report.FaultCount switch
    {
        0 => "nothing changed",
        1 => "1 fault",
        _ => $"{report.FaultCount} faults",
    };
}
