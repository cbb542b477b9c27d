using System.Text.Json;
using KmsSidecar.Options;
using KmsSidecar.Tests.Support;
using Xunit;
using static KmsSidecar.Tests.Support.TestHost;

namespace KmsSidecar.Tests.Api;

/// <summary>Every success of a real RustFS, on a route that is here too, has the same members of the same types in this service's answer.</summary>
public sealed class RecordedAnswerTests
{
    private const string StaticKeyId = "behavior-static-key";

    /// <summary>Where this service means to differ: the name of the exchange, and why it is left out.</summary>
    private static readonly Dictionary<string, string> Different = new()
    {
        ["playbook service-status"] = "a start without configuration is a 409 and leaves the state as it was",
        ["create default"] = "start has made the default key",
    };

    /// <summary>What the status answer has beside upstream's members: the playbook's, then this service's.</summary>
    private static readonly string[] AddedToStatus =
        ["status", "healthy", "config_summary", "generation", "key_count", "unchecked_key_count", "unreadable_keys", "decrypt_only", "state_since", "version"];

    /// <summary>What is null or not by what somebody set, not by the route.</summary>
    private static readonly string[] Nullable = ["description", "file_permissions", "next_marker"];

    [Theory]
    [InlineData("admin/playbook-and-keys.json", 37)]
    [InlineData("local/admin.json", 16)]
    [InlineData("static/admin.json", 3)]
    public async Task Success_HasUpstreamsMembersAndTypes(string file, int compared)
    {
        await using TestHost host = await StartAsync(options => file.StartsWith("static") ? WithStaticKey(options) : options);
        await PrepareAsync(host, file);
        int count = 0;
        foreach (Recording recording in Recording.Load(file).Where(static recording => recording.IsSuccess))
        {
            if (Different.ContainsKey(recording.Name))
            {
                continue;
            }

            string? request = recording.Request?.Replace("/var/lib/rfs-fixture/keys", host.Directory.PathOf("keys"));
            Answer answer = await host.Tcp.SendAsync(recording.Method, recording.Path, request);
            if (answer.Status is 404 or 405 && answer["code"] is "UnknownRoute" or "MethodNotAllowed")
            {
                continue;
            }

            Assert.True(answer.Status == 200, $"{recording.Name}: {answer.Status} {answer.Text}");
            string[] added = recording.Path.EndsWith("/status", StringComparison.Ordinal) && !recording.Path.Contains("key/") ? AddedToStatus : [];
            Assert.Equal([], Differences(recording.Response, Without(answer.Json, added), recording.Name));
            count++;
        }

        Assert.Equal(compared, count);
    }

    private static async Task PrepareAsync(TestHost host, string file)
    {
        if (file.StartsWith("admin"))
        {
            return;
        }

        string configuration = file.StartsWith("static") ? """{"backend_type":"static"}""" : host.LocalConfiguration;
        (await host.Tcp.PostAsync($"{Kms}/configure", configuration)).Expect(200);
        (await host.Tcp.PostAsync($"{Kms}/start")).Expect(200);
    }

    private static DaemonOptions WithStaticKey(DaemonOptions options)
    {
        string file = $"{options.StateDirectory}.static-key";
        File.WriteAllText(file, $"{StaticKeyId}:{Convert.ToBase64String(new byte[32])}\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return options with { StaticKeyFile = file };
    }

    private static JsonElement Without(JsonElement answer, string[] added) => JsonSerializer.SerializeToElement(
        answer.EnumerateObject().Where(member => !added.Contains(member.Name)).ToDictionary(static member => member.Name, static member => member.Value));

    /// <summary>Members and types, and the words of <c>message</c>. An item of a list has to be like one of the recorded items.</summary>
    private static IEnumerable<string> Differences(JsonElement recorded, JsonElement ours, string path)
    {
        bool isNull = recorded.ValueKind == JsonValueKind.Null || ours.ValueKind == JsonValueKind.Null;
        if (isNull && Nullable.Contains(path[(path.LastIndexOf('.') + 1)..]))
        {
            return [];
        }

        if (Kind(recorded) != Kind(ours))
        {
            return [$"{path}: {recorded} is {ours}"];
        }

        return recorded.ValueKind switch
        {
            JsonValueKind.Object when path.EndsWith(".tags") || path.EndsWith(".metadata") =>
                ours.EnumerateObject().Where(static tag => tag.Value.ValueKind != JsonValueKind.String).Select(tag => $"{path}: {tag} is no string"),
            JsonValueKind.Object => MemberDifferences(recorded, ours, path),
            JsonValueKind.Array => ItemDifferences(recorded, ours, path),
            JsonValueKind.String when path.EndsWith(".message") && recorded.GetString() != ours.GetString() => [$"{path}: {recorded} is {ours}"],
            _ => [],
        };
    }

    private static IEnumerable<string> MemberDifferences(JsonElement recorded, JsonElement ours, string path)
    {
        // Upstream's local backend says why a key is never due for rotation: it cannot rotate. This one can.
        string[] names = [.. recorded.EnumerateObject()
            .Select(static member => member.Name)
            .Where(name => name != "rotation_due_reason" || ours.TryGetProperty(name, out _))
            .Order()];
        string[] present = [.. ours.EnumerateObject().Select(static member => member.Name).Order()];
        return names.SequenceEqual(present)
            ? names.SelectMany(name => Differences(recorded.GetProperty(name), ours.GetProperty(name), $"{path}.{name}"))
            : [$"{path}: [{string.Join(' ', names)}] is [{string.Join(' ', present)}]"];
    }

    private static IEnumerable<string> ItemDifferences(JsonElement recorded, JsonElement ours, string path)
    {
        if ((recorded.GetArrayLength() == 0) != (ours.GetArrayLength() == 0))
        {
            return [$"{path}: {recorded.GetArrayLength()} items are {ours.GetArrayLength()}"];
        }

        return ours.EnumerateArray()
            .Where(item => !recorded.EnumerateArray().Any(like => !Differences(like, item, path).Any()))
            .Select(item => $"{path}: {item} is like none that was recorded");
    }

    private static JsonValueKind Kind(JsonElement value) => value.ValueKind == JsonValueKind.False ? JsonValueKind.True : value.ValueKind;
}
