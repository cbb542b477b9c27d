using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.CommandLine.Terminal;

namespace KmsSidecar.CommandLine.Keys;

/// <summary><c>keys delete</c>: in some days, or at once when whoever types it means it.</summary>
internal static class KeyDeletionCommand
{
    private static readonly Option<string?> Days = new("--days")
    {
        Description = "Days in which it can be kept after all, 7 to 30 [default: 30]",
        HelpName = "N",
    };

    private static readonly Option<bool> Now = new("--now")
    {
        Description = "Destroy it at once, where the daemon allows that: what it wrapped can never be read again. Asks first",
    };

    private static readonly Option<bool> Yes = new("--yes") { Description = "Do not ask" };

    public static Command Build() => AdminCommand.Build(
        new CommandHelp(
            "delete",
            "Delete a key in some days, until when `cancel-deletion` keeps it. It neither wraps nor opens from now on.",
            "kms-sidecar keys delete objects-0 --days 30"),
        static result => new AdminRequest(HttpMethod.Delete, "keys/delete", AdminRequest.WriteBody(body => Write(body, result))),
        Print,
        KeyCommands.Key,
        Days,
        Now,
        Yes);

    private static void Write(Utf8JsonWriter body, ParseResult result)
    {
        string key = result.GetRequiredValue(KeyCommands.Key);
        string? days = result.GetValue(Days);
        body.WriteString("key_id", key);
        if (!result.GetValue(Now))
        {
            if (days is not null)
            {
                body.WriteNumber("pending_window_in_days", ParseDays(days));
            }

            return;
        }

        if (days is not null)
        {
            throw new CommandFault(ExitCode.Usage, "--days and --now exclude each other");
        }

        body.WriteBoolean("force_immediate", true);
        body.WriteString("confirm_key_id", result.GetValue(Yes) ? key : Ask(key));
    }

    private static int ParseDays(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int days)
        ? days
        : throw new CommandFault(ExitCode.Usage, $"--days {text}: expected a whole number");

    /// <returns>What was typed, which is the key.</returns>
    private static string Ask(string key)
    {
        if (Console.IsInputRedirected)
        {
            throw new CommandFault(
                ExitCode.Usage, "nobody can be asked, for this is not a terminal: --yes destroys the key without", $"kms-sidecar keys delete {key} --now --yes");
        }

        Console.Error.Write($"What {key} wrapped can never be read again. Type its id to destroy it: ");
        string? typed = Console.ReadLine();
        return typed == key ? typed : throw new CommandFault(ExitCode.Denied, $"{key} is as it was");
    }

    private static void Print(JsonElement answer, TextWriter output)
    {
        foreach (JsonElement reference in answer.Member("impact")?.Items("references") ?? [])
        {
            output.WriteLine($"{Ink.Bad("!")} it is {reference.Shown("detail")}");
        }

        if (answer.Text("deletion_date") is not { } date)
        {
            output.WriteLine($"destroyed: {answer.Shown("key_id")}");
            return;
        }

        output.WriteLine($"{answer.Shown("key_id")} will be deleted at {HumanTime.Dated(date)}");
        output.WriteLine($"to keep it: kms-sidecar keys cancel-deletion {answer.Shown("key_id")}");
    }
}
