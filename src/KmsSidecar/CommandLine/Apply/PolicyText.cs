using System.Buffers;
using System.Text;
using System.Text.Json;
using KmsSidecar.Access.Policies;
using KmsSidecar.Json;

namespace KmsSidecar.CommandLine.Apply;

/// <summary>A policy in the one text that all its spellings have in common.</summary>
internal static class PolicyText
{
    public static string Of(PolicyDocument policy)
    {
        ArrayBufferWriter<byte> text = new();
        using (Utf8JsonWriter writer = JsonOutput.WriteTo(text))
        {
            policy.WriteTo(writer);
        }

        return Encoding.UTF8.GetString(text.WrittenSpan);
    }
}
