using System.Collections.Immutable;
using System.Text.Json;

namespace KmsSidecar.Access.Policies;

/// <summary>Writes a policy in its longest form: what may be one string or an array is an array.</summary>
internal static class PolicyWriter
{
    public static void Write(PolicyDocument policy, Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("Version", PolicyDocument.Version);
        if (policy.Id is not null)
        {
            writer.WriteString("Id", policy.Id);
        }

        writer.WriteStartArray("Statement");
        foreach (PolicyStatement statement in policy.Statements)
        {
            Write(statement, writer);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void Write(PolicyStatement statement, Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        if (statement.Sid is not null)
        {
            writer.WriteString("Sid", statement.Sid);
        }

        writer.WriteString("Effect", statement.Allows ? "Allow" : "Deny");
        Write(statement.ExceptActions ? "NotAction" : "Action", statement.Actions, writer);
        if (!statement.Resources.IsEmpty)
        {
            Write(statement.ExceptResources ? "NotResource" : "Resource", statement.Resources.Select(static resource => resource.Text), writer);
        }

        if (!statement.Conditions.IsEmpty)
        {
            Write(statement.Conditions, writer);
        }

        writer.WriteEndObject();
    }

    private static void Write(ImmutableArray<PolicyCondition> conditions, Utf8JsonWriter writer)
    {
        writer.WriteStartObject("Condition");
        foreach (PolicyCondition condition in conditions)
        {
            writer.WriteStartObject(condition.Operator.Name);
            Write(condition.Operator.Key, condition.Values.Select(static value => value.Text), writer);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void Write(string name, IEnumerable<string> values, Utf8JsonWriter writer)
    {
        writer.WriteStartArray(name);
        foreach (string value in values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    }
}
