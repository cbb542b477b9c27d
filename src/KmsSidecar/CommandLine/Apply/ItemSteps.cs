using System.Text.Json;

namespace KmsSidecar.CommandLine.Apply;

/// <summary>Makes one key, policy or user as the file has it.</summary>
internal sealed class ItemSteps(PatientDaemon daemon, ApplyReport report)
{
    public static string NameOf(DesiredKey key) => $"key {key.Id}";

    public static string NameOf(DesiredPolicy policy) => $"policy {policy.Name}";

    public static string NameOf(DesiredUser user) => $"user {user.AccessKey}";

    public async Task RunAsync(DesiredKey key, CancellationToken cancellation)
    {
        JsonElement actual = await daemon.FindAsync($"keys/{Uri.EscapeDataString(key.Id)}", "key_metadata", cancellation);
        await TakeAsync(NameOf(key), KeyPlan.Of(key, actual), cancellation);
    }

    public async Task RunAsync(DesiredPolicy policy, CancellationToken cancellation)
    {
        JsonElement actual = await daemon.FindAsync(PolicyPlan.RouteOf(policy), "policy", cancellation);
        await TakeAsync(NameOf(policy), PolicyPlan.Of(policy, actual), cancellation);
    }

    public async Task RunAsync(DesiredUser user, CancellationToken cancellation)
    {
        JsonElement actual = await daemon.FindAsync($"users/{Uri.EscapeDataString(user.AccessKey)}", "user", cancellation);
        await TakeAsync(NameOf(user), UserPlan.Of(user, actual), cancellation);
    }

    private async Task TakeAsync(string name, IReadOnlyList<Step> steps, CancellationToken cancellation)
    {
        foreach (Step step in steps)
        {
            if (!report.IsRehearsal)
            {
                await daemon.TakeAsync(step, cancellation);
            }

            report.Add(name, step.Done);
        }
    }
}
