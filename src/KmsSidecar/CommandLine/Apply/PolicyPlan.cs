using System.Text;
using System.Text.Json;
using KmsSidecar.Access.Policies;

namespace KmsSidecar.CommandLine.Apply;

/// <summary>What makes a named policy as the file has it.</summary>
internal static class PolicyPlan
{
    /// <param name="actual">The daemon's <c>policy</c>; undefined where there is none of that name.</param>
    public static IReadOnlyList<Step> Of(DesiredPolicy desired, JsonElement actual)
    {
        if (actual.ValueKind == JsonValueKind.Undefined)
        {
            return [Put("created", desired)];
        }

        string present = PolicyText.Of(PolicyDocument.Parse(Encoding.UTF8.GetBytes(actual.GetRawText())));
        return present == desired.Document ? [] : [Put("replaced", desired)];
    }

    public static string RouteOf(DesiredPolicy policy) => $"policies/{Uri.EscapeDataString(policy.Name)}";

    private static Step Put(string done, DesiredPolicy policy) => new(done, HttpMethod.Put, RouteOf(policy), writer =>
    {
        foreach (JsonProperty member in JsonElement.Parse(policy.Document).EnumerateObject())
        {
            member.WriteTo(writer);
        }
    });
}
