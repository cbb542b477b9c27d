using System.Text.Json;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.CommandLine.Terminal;

namespace KmsSidecar.CommandLine.Apply;

/// <summary>What was changed, or in a rehearsal would be. Holds no secret.</summary>
/// <param name="output">Gets each line at once; null when the report is printed as JSON, at the end.</param>
internal sealed class ApplyReport(bool isRehearsal, TextWriter? output)
{
    private readonly List<Change> _changes = [];
    private readonly List<string> _untouched = [];

    public bool IsRehearsal => isRehearsal;

    public bool HasChanges => _changes.Count > 0;

    /// <summary>What is in hand, such as <c>key photos</c>; null before the first and after the last.</summary>
    public string? Item { get; private set; }

    /// <param name="items">Everything that the file rules, in order.</param>
    public void Plan(IEnumerable<string> items)
    {
        _untouched.Clear();
        _untouched.AddRange(items);
    }

    public void Begin(string item) => Item = item;

    public void End()
    {
        _untouched.Remove(Item!);
        Item = null;
    }

    public void Add(string item, string change)
    {
        Change added = new(item, change);
        if (_changes.Contains(added))
        {
            return;
        }

        _changes.Add(added);
        output?.WriteLine(isRehearsal ? $"{item}: would be {change}" : $"{Ink.Good(item)}: {change}");
    }

    /// <summary>For what cannot be known yet.</summary>
    public void Note(string line) => output?.WriteLine(Ink.Dim(line));

    public void Finish()
    {
        if (!HasChanges)
        {
            output?.WriteLine("no change");
        }
    }

    /// <summary>A failure with what it stopped at, and what it kept from being done.</summary>
    public CommandFault Explain(CommandFault fault)
    {
        string unfinished = _untouched.Count == 0 || isRehearsal
            ? ""
            : $"; not done: {string.Join(", ", _untouched)}; what is done stays, and the next run goes on from there";
        return new CommandFault(fault.ExitCode, $"{(Item is null ? "" : $"{Item}: ")}{fault.Message}{unfinished}", fault.Next, fault) { Code = fault.Code };
    }

    /// <param name="fault">Why it ended before its end; null when it did not.</param>
    public void WriteTo(Utf8JsonWriter writer, string? fault)
    {
        writer.WriteStartObject();
        writer.WriteBoolean("success", fault is null);
        writer.WriteBoolean("dry_run", isRehearsal);
        writer.WriteBoolean("changed", HasChanges);
        writer.WriteStartArray("changes");
        foreach (Change change in _changes)
        {
            writer.WriteStartObject();
            writer.WriteString("item", change.Item);
            writer.WriteString("change", change.What);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        if (fault is not null)
        {
            writer.WriteString("message", fault);
            writer.WriteStartArray("not_done");
            foreach (string item in _untouched)
            {
                writer.WriteStringValue(item);
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private sealed record Change(string Item, string What);
}
