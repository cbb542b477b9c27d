using System.Text.Json;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.CommandLine.Terminal;

namespace KmsSidecar.CommandLine.Service;

/// <summary>What changed between two configurations, or would.</summary>
internal static class ChangeTable
{
    /// <summary>The sentence of a change that was made, or all that a dry run found.</summary>
    public static void PrintOutcome(JsonElement answer, TextWriter output)
    {
        AdminCommand.PrintMessage(answer, output);
        if (answer.Flag("dry_run") != true)
        {
            return;
        }

        PrintChanges(answer, output);
        output.WriteLine(answer.Text("backend") switch
        {
            "kept" => "The backend stays as it is.",
            "reopened" => "The backend would be opened anew, with the same keys.",
            "replaced" => "The backend would be another one.",
            var other => $"backend: {other}",
        });
        PrintList(answer, "would_create", "would be created", output);
        PrintList(answer, "decrypt_only_after", "decrypt-only afterwards", output);
    }

    public static void PrintChanges(JsonElement answer, TextWriter output)
    {
        Table table = new("SETTING", "FROM", "TO");
        int rows = 0;
        foreach (JsonProperty change in answer.Member("changes")?.EnumerateObject() ?? default)
        {
            if (change.Value.Flag("changed") == true)
            {
                table.Add(change.Name, change.Value.Shown("before") ?? "(default)", change.Value.Shown("after") ?? "(default)");
                rows++;
            }
        }

        if (rows == 0)
        {
            output.WriteLine("No setting changes.");
            return;
        }

        table.WriteTo(output);
    }

    public static void PrintList(JsonElement answer, string member, string heading, TextWriter output)
    {
        foreach (JsonElement item in answer.Items(member))
        {
            output.WriteLine($"{heading}: {item.Shown()}");
        }
    }
}
