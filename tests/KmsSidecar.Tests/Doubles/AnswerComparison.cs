using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace KmsSidecar.Tests.Doubles;

/// <summary>
/// Two answers are the same when every member is there in both and has the same value; of what a server makes up itself the form must be the same,
/// and the same value must always stand for the same. Times must be the same to <see cref="Tolerance"/>.
/// </summary>
internal sealed partial class AnswerComparison(ReplayBook book)
{
    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(2);

    /// <summary>What both servers make up, by the name of the member.</summary>
    private static readonly Dictionary<string, Regex> MadeUp = new()
    {
        ["request_id"] = LongId(),
        ["uuid"] = LongId(),
        ["cluster_id"] = LongId(),
        ["entity_id"] = LongId(),
        ["role_id"] = LongId(),
        ["secret_id"] = LongId(),
        ["secret_id_accessor"] = LongId(),
        ["wrapped_accessor"] = LongId(),
        ["client_token"] = Token(),
        ["token"] = Token(),
        ["id"] = IdOrToken(),
        ["accessor"] = Accessor(),
        ["cluster_name"] = ClusterName(),
        ["ciphertext"] = Ciphertext(),
        ["public_key"] = PublicKey(),
    };

    private static readonly HashSet<string> Times =
    [
        "created_time", "creation_time", "deletion_time", "updated_time", "expire_time", "issue_time", "last_renewal", "last_renewal_time", "server_time_utc",
    ];

    /// <param name="isSecretPlaintext">The plaintext is the server's own random bytes.</param>
    /// <returns>A line for each difference.</returns>
    public IEnumerable<string> Compare(JsonElement recorded, JsonElement own, bool isSecretPlaintext = false, string at = "")
    {
        string name = at[(at.LastIndexOf('.') + 1)..];
        if (recorded.ValueKind != own.ValueKind)
        {
            return [$"{at}: {own.GetRawText()} instead of {recorded.GetRawText()}"];
        }

        bool isTime = Times.Contains(name) || at.EndsWith($".keys.{name}", StringComparison.Ordinal);
        switch (recorded.ValueKind)
        {
            case JsonValueKind.Object:
                return CompareObjects(recorded, own, isSecretPlaintext, at);
            case JsonValueKind.Array:
                return recorded.GetArrayLength() == own.GetArrayLength()
                    ? recorded.EnumerateArray().Zip(own.EnumerateArray()).SelectMany((pair, i) => Compare(pair.First, pair.Second, isSecretPlaintext, $"{at}[{i}]"))
                    : [$"{at}: {own.GetArrayLength()} items instead of {recorded.GetArrayLength()}"];
            case JsonValueKind.Number when isTime:
                return Near(DateTimeOffset.FromUnixTimeSeconds(recorded.GetInt64()), DateTimeOffset.FromUnixTimeSeconds(own.GetInt64()), at);
            case JsonValueKind.String when isTime && recorded.GetString() is { Length: > 0 }:
                return RfcTime().IsMatch(own.GetString()!) ? Near(Time(recorded), Time(own), at) : [$"{at}: {own} is no time"];
            case JsonValueKind.String:
                return CompareStrings(name, recorded.GetString()!, own.GetString()!, isSecretPlaintext, at);
            default:
                return recorded.GetRawText() == own.GetRawText() ? [] : [$"{at}: {own.GetRawText()} instead of {recorded.GetRawText()}"];
        }
    }

    private static DateTimeOffset Time(JsonElement text) => DateTimeOffset.Parse(text.GetString()!, CultureInfo.InvariantCulture);

    private static string[] Near(DateTimeOffset recorded, DateTimeOffset own, string at) =>
        (recorded - own).Duration() <= Tolerance ? [] : [$"{at}: {own:O} instead of {recorded:O}"];

    private IEnumerable<string> CompareObjects(JsonElement recorded, JsonElement own, bool isSecretPlaintext, string at)
    {
        foreach (JsonProperty extra in own.EnumerateObject().Where(member => !recorded.TryGetProperty(member.Name, out _)))
        {
            yield return $"{at}.{extra.Name}: not recorded";
        }

        foreach (JsonProperty member in recorded.EnumerateObject())
        {
            if (!own.TryGetProperty(member.Name, out JsonElement other))
            {
                yield return $"{at}.{member.Name}: missing";
                continue;
            }

            foreach (string difference in Compare(member.Value, other, isSecretPlaintext, $"{at}.{member.Name}"))
            {
                yield return difference;
            }
        }
    }

    private string[] CompareStrings(string name, string recorded, string own, bool isSecretPlaintext, string at)
    {
        Regex? form = isSecretPlaintext && name == "plaintext" ? Base64() : MadeUp.GetValueOrDefault(name);
        if (form?.Match(recorded) is not { Success: true } shape)
        {
            return recorded == own ? [] : [$"{at}: \"{own}\" instead of \"{recorded}\""];
        }

        // The named part must be the same, and so must the length.
        Match ownShape = form.Match(own);
        if (!ownShape.Success || ownShape.Groups["same"].Value != shape.Groups["same"].Value || own.Length != recorded.Length)
        {
            return [$"{at}: \"{own}\" is not of the form of \"{recorded}\""];
        }

        return book.TryPair(recorded, own) ? [] : [$"{at}: \"{own}\" or \"{recorded}\" already stands for another"];
    }

    [GeneratedRegex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    private static partial Regex LongId();

    [GeneratedRegex(@"^s\.[0-9A-Za-z]{24}$")]
    private static partial Regex Token();

    [GeneratedRegex(@"^(s\.[0-9A-Za-z]{24}|[0-9A-Za-z]{6})$")]
    private static partial Regex IdOrToken();

    [GeneratedRegex("^([0-9A-Za-z]{24}|(?<same>[a-z]+_)[0-9a-f]{8})$")]
    private static partial Regex Accessor();

    [GeneratedRegex("^vault-cluster-[0-9a-f]{8}$")]
    private static partial Regex ClusterName();

    [GeneratedRegex("^(?<same>vault:v[0-9]+:)[0-9A-Za-z+/]+=*$")]
    private static partial Regex Ciphertext();

    [GeneratedRegex(@"^((?<same>-----BEGIN PUBLIC KEY-----\nMIIB)[0-9A-Za-z+/=\n]+-----END PUBLIC KEY-----\n|[0-9A-Za-z+/]{43}=)$")]
    private static partial Regex PublicKey();

    [GeneratedRegex("^[0-9A-Za-z+/]+=*$")]
    private static partial Regex Base64();

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$")]
    private static partial Regex RfcTime();
}
