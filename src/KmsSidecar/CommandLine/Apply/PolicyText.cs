using KmsSidecar.Access.Policies;
using KmsSidecar.CommandLine.Terminal;

namespace KmsSidecar.CommandLine.Apply;

/// <summary>A policy in the one text that all its spellings have in common.</summary>
internal static class PolicyText
{
    public static string Of(PolicyDocument policy) => JsonText.Of(policy.WriteTo);
}
