using System.CommandLine;
using System.Text.Json;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.CommandLine.Terminal;

namespace KmsSidecar.CommandLine.Access;

/// <summary><c>policy</c>: the named policies, and what they come to.</summary>
internal static class PolicyCommand
{
    private static readonly Argument<string> Name = new("NAME") { Description = "Of the policy" };

    private static readonly Option<string> Document = new("--file", "-f")
    {
        Description = "The policy, in JSON as AWS writes them; - for standard input",
        HelpName = "FILE",
        Required = true,
    };

    public static Command Build() => new("policy", "See and change named policies, and ask which one decides.")
    {
        PolicyCheckCommand.Build(),
        AdminCommand.Build(
            new CommandHelp("list", "List the policies, and where each comes from.", "kms-sidecar policy list"),
            static _ => AdminRequest.Get("policies"),
            PrintList),
        AdminCommand.Build(
            new CommandHelp("show", "Print a policy, in JSON.", "kms-sidecar policy show KMSKeyUser"),
            static result => AdminRequest.Get(Route(result)),
            static (answer, _) => JsonText.Write(answer.Member("policy") ?? answer),
            Name),
        AdminCommand.Build(
            new CommandHelp("put", "Make a policy, or replace it. Whoever has it is judged by the new one at once.", "kms-sidecar policy put photos-reader -f photos-reader.json"),
            static result => new AdminRequest(HttpMethod.Put, Route(result), InputFile.ReadDocument(result.GetRequiredValue(Document))),
            AdminCommand.PrintMessage,
            Name,
            Document),
        AdminCommand.Build(
            new CommandHelp("delete", "Delete a policy that no user has.", "kms-sidecar policy delete photos-reader"),
            static result => new AdminRequest(HttpMethod.Delete, Route(result)),
            AdminCommand.PrintMessage,
            Name),
    };

    private static string Route(ParseResult result) => $"policies/{Uri.EscapeDataString(result.GetRequiredValue(Name))}";

    private static void PrintList(JsonElement answer, TextWriter output)
    {
        Table table = new("NAME", "SOURCE");
        foreach (JsonElement policy in answer.Items("policies"))
        {
            table.Add(policy.Shown("name") ?? "", policy.Shown("source") ?? "");
        }

        table.WriteTo(output);
    }
}
