using System.Text.Json;
using KmsSidecar.CommandLine.Client;

namespace KmsSidecar.CommandLine.Service;

/// <summary>What is wrong with a service, and the command to type.</summary>
internal static class StatusProblems
{
    /// <summary>Of a credential that should have been renewed by now: renewal begins at half of its life.</summary>
    private const long SoonSeconds = 300;

    public static List<(string Problem, string? Next)> Of(JsonElement status)
    {
        List<(string Problem, string? Next)> problems = [];
        AddState(problems, status);
        if (status.Member("remote") is { } remote)
        {
            AddRemote(problems, remote, status.Flag("healthy") == false);
        }

        foreach (JsonElement key in status.Items("unreadable_keys"))
        {
            problems.Add(($"the key {key.Shown("name")} cannot be read: {key.Shown("reason")}", null));
        }

        foreach (JsonElement backend in status.Items("decrypt_only"))
        {
            if (backend.Shown("fault") is { } fault)
            {
                problems.Add(($"the decrypt-only backend {backend.Shown("name")} is not open, and what it wrapped cannot be read: {fault}", "kms-sidecar start --force"));
            }
        }

        if (status.Member("rustfs") is { } rustFs && rustFs.Flag("followed") != true)
        {
            problems.Add(($"RustFS does not have the default key: {rustFs.Shown("last_error") ?? "it was not asked yet"}", null));
        }

        return problems;
    }

    private static void AddState(List<(string, string?)> problems, JsonElement status)
    {
        string? error = status.Shown("error");
        switch (status.Text("status"))
        {
            case "Running" when error is null:
                break;
            case "Running":
                problems.Add((error, "kms-sidecar doctor"));
                break;
            case "NotConfigured":
                problems.Add(("there is no configuration yet", "kms-sidecar configure -f FILE"));
                break;
            case "Configured":
                problems.Add(("the service is not running: nobody gets a key", "kms-sidecar start"));
                break;
            default:
                problems.Add(($"the service could not start: {error ?? "see the log"}", "kms-sidecar reconfigure -f FILE"));
                break;
        }
    }

    private static void AddRemote(List<(string, string?)> problems, JsonElement remote, bool isSick)
    {
        // A sick backend has said the same already.
        if (remote.Shown("last_error") is { } error && !isSick && remote.Flag("authenticated") == false)
        {
            problems.Add(($"not logged in at {remote.Shown("server")}: {error}", "kms-sidecar reconfigure -f FILE"));
        }

        if (remote.Number("token_seconds_left") is <= SoonSeconds and var seconds && remote.Flag("token_renewable") != true)
        {
            problems.Add(($"the credential at {remote.Shown("server")} ends in {seconds} s and cannot be renewed", "kms-sidecar reconfigure -f FILE"));
        }
    }
}
