using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.CommandLine.Terminal;

namespace KmsSidecar.CommandLine.Keys;

/// <summary><c>keys list</c>: every page of them.</summary>
internal static class KeyListCommand
{
    private static readonly Option<string?> State = new("--state")
    {
        Description = "Keys in this state alone: active, disabled, pending-deletion, deleted [default: all]",
        HelpName = "STATE",
    };

    public static Command Build() => AdminCommand.Build(
        new CommandHelp("list", "List the keys of the active backend.", "kms-sidecar keys list --state pending-deletion"), ListAsync, State);

    private static async Task<int> ListAsync(ParseResult result, DaemonClient daemon, CancellationToken cancellation)
    {
        string filter = result.GetValue(State) is { } state ? $"&status={Uri.EscapeDataString(state)}" : "";
        List<JsonElement[]> pages = [];
        JsonElement page = default;
        string? marker = "";
        while (marker is not null)
        {
            page = await daemon.GetAsync($"keys?limit=1000&marker={Uri.EscapeDataString(marker)}{filter}", cancellation);
            pages.Add(page.Items("keys"));
            string? next = page.Text("next_marker");
            marker = next == marker ? null : next;
        }

        if (result.GetValue(DaemonConnection.Json))
        {
            JsonText.Write(writer => WriteOnePage(writer, page, pages));
            return ExitCode.Ok;
        }

        PrintTable(pages, page);
        return ExitCode.Ok;
    }

    /// <summary>As the daemon would answer if it had no limit.</summary>
    private static void WriteOnePage(Utf8JsonWriter writer, JsonElement last, List<JsonElement[]> pages)
    {
        writer.WriteStartObject();
        foreach (JsonProperty member in last.EnumerateObject())
        {
            if (member.Name != "keys")
            {
                member.WriteTo(writer);
                continue;
            }

            writer.WriteStartArray(member.Name);
            foreach (JsonElement[] keys in pages)
            {
                Array.ForEach(keys, key => key.WriteTo(writer));
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static void PrintTable(List<JsonElement[]> pages, JsonElement last)
    {
        Table table = new("KEY", "STATE", "VERSION", "CREATED", "ROTATED", "DESCRIPTION");
        int count = 0;
        foreach (JsonElement[] keys in pages)
        {
            Array.ForEach(keys, key => AddTo(table, key));
            count += keys.Length;
        }

        if (count > 0)
        {
            table.WriteTo(Console.Out);
        }

        // On a pipe there are keys alone, for grep and wc.
        TextWriter remarks = Console.IsOutputRedirected ? Console.Error : Console.Out;
        remarks.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count} key{(count == 1 ? "" : "s")}"));
        PrintUnreadable(last, remarks);
    }

    private static void PrintUnreadable(JsonElement page, TextWriter remarks)
    {
        foreach (JsonElement name in page.Items("unreadable_key_ids"))
        {
            remarks.WriteLine($"{Ink.Bad("!")} {name.Shown()} cannot be read: kms-sidecar status says why");
        }
    }

    private static void AddTo(Table table, JsonElement key) => table.Add(
        key.Shown("key_id") ?? "",
        KeyCommands.PaintState(key.Shown("status") ?? ""),
        key.Shown("version") ?? "",
        HumanTime.Of(key.Text("created_at")),
        key.Text("rotated_at") is { } rotated ? HumanTime.Of(rotated) : "never",
        key.Shown("description") ?? "");
}
