using System.CommandLine;
using System.Text.Json;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.CommandLine.Terminal;

namespace KmsSidecar.CommandLine.Service;

/// <summary><c>decrypt-only</c>: the former backends, which still open what they wrapped.</summary>
internal static class DecryptOnlyCommand
{
    private static readonly Argument<string> Backend = new("NAME") { Description = "As `kms-sidecar decrypt-only list` names it" };

    private static readonly Option<bool> Force = new("--force")
    {
        Description = "Also when it has opened something lately: what it wrapped can then not be read any more",
    };

    public static Command Build() => new("decrypt-only", "See and drop former backends, which still open what they wrapped.")
    {
        AdminCommand.Build(
            new CommandHelp("list", "List the former backends, and when each last opened something.", "kms-sidecar decrypt-only list"),
            static _ => AdminRequest.Get("status"),
            PrintList),
        AdminCommand.Build(
            new CommandHelp(
                "drop",
                "Give up a former backend. What only it can open stays closed from then on; its keys are not destroyed.",
                "kms-sidecar decrypt-only drop local-1"),
            static result => AdminRequest.Post("decrypt-only/drop", body =>
            {
                body.WriteString("name", result.GetRequiredValue(Backend));
                body.WriteBoolean("force", result.GetValue(Force));
            }),
            AdminCommand.PrintMessage,
            Backend,
            Force),
    };

    private static void PrintList(JsonElement status, TextWriter output)
    {
        Table table = new("NAME", "BACKEND", "KEYS", "SINCE", "LAST USED", "STATE");
        JsonElement[] backends = status.Items("decrypt_only");
        foreach (JsonElement backend in backends)
        {
            table.Add(
                backend.Shown("name") ?? "",
                backend.Member("backend_summary")?.Shown("backend_type") ?? "",
                backend.Shown("key_count") ?? "-",
                HumanTime.Of(backend.Text("decrypt_only_since")),
                backend.Text("last_used_at") is { } used ? HumanTime.Of(used) : "never",
                backend.Shown("fault") is { } fault ? Ink.Bad(fault) : Ink.Good("good"));
        }

        if (backends.Length == 0)
        {
            output.WriteLine("There is no decrypt-only backend.");
            return;
        }

        table.WriteTo(output);
    }
}
