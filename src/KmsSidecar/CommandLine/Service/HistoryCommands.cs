using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.CommandLine.Terminal;

namespace KmsSidecar.CommandLine.Service;

/// <summary><c>history</c> and <c>diff</c>: the configurations that are kept.</summary>
internal static class HistoryCommands
{
    private static readonly Argument<string[]> Generations = new("FROM TO")
    {
        Description = "Numbers of `kms-sidecar history`; TO is the current one and FROM the one that TO came from, unless given",
        Arity = new ArgumentArity(0, 2),
    };

    public static IEnumerable<Command> Build() =>
    [
        AdminCommand.Build(
            new CommandHelp("history", "List the configurations that are kept: when, who, from where, and what changed.", "kms-sidecar history"),
            static _ => AdminRequest.Get("config/history"),
            PrintHistory),
        AdminCommand.Build(
            new CommandHelp("diff", "Show what differs between two configurations. Secrets are only said to differ.", "kms-sidecar diff 3 5"),
            static result => AdminRequest.Get($"config/diff{Query(result.GetValue(Generations) ?? [])}"),
            PrintDifference,
            Generations),
    ];

    private static string Query(string[] generations) => generations switch
    {
        [var from, var to] => $"?from={Number(from)}&to={Number(to)}",
        [var from] => $"?from={Number(from)}",
        _ => "",
    };

    private static string Number(string text) => ConfigurationCommands.ParseGeneration(text).ToString(CultureInfo.InvariantCulture);

    private static void PrintHistory(JsonElement answer, TextWriter output)
    {
        Table table = new("", "N", "SAVED", "ACTION", "BY", "FROM", "BACKEND", "DEFAULT KEY", "CHANGED");
        foreach (JsonElement entry in answer.Items("history"))
        {
            table.Add(
                entry.Flag("current") == true ? Ink.Good("*") : "",
                entry.Shown("generation") ?? "",
                HumanTime.Dated(entry.Text("saved_at")),
                entry.Shown("action") ?? "",
                entry.Shown("by") ?? "",
                entry.Shown("from") ?? "",
                entry.Shown("backend_type") ?? "",
                entry.Shown("default_key_id") ?? "-",
                entry.Listed("changed"));
        }

        table.WriteTo(output);
    }

    private static void PrintDifference(JsonElement answer, TextWriter output)
    {
        output.WriteLine($"from {Describe(answer.Member("from"))}");
        output.WriteLine($"to   {Describe(answer.Member("to"))}");
        ChangeTable.PrintChanges(answer, output);
        ChangeTable.PrintList(answer, "decrypt_only_added", "decrypt-only since", output);
        ChangeTable.PrintList(answer, "decrypt_only_removed", "no longer decrypt-only", output);
    }

    private static string Describe(JsonElement? generation) => generation is { } one
        ? $"{one.Shown("generation")}: {one.Shown("action")} by {one.Shown("by")}, {HumanTime.Dated(one.Text("saved_at"))}"
        : "nothing: there was no configuration";
}
