using System.Globalization;
using System.Text;
using KmsSidecar.Access.Sessions;
using KmsSidecar.Errors;

namespace KmsSidecar.Api;

/// <summary>The fields of <c>AssumeRole</c> (AWS STS, version 2011-06-15) that there are here.</summary>
/// <remarks>There are no roles: <c>RoleArn</c> and <c>RoleSessionName</c>, which clients insist on sending, say nothing about rights. A field
/// that would restrict the session and is not known here is refused, as is every other unknown one.</remarks>
/// <param name="Policy">The session's own policy; empty for none.</param>
/// <param name="RoleName">The last part of <c>RoleArn</c>, to be repeated in the answer.</param>
internal sealed record StsRequest(TimeSpan Duration, byte[] Policy, string RoleName, string SessionName)
{
    private const int MaxArnChars = 2048;
    private const int MaxNameChars = 64;

    private static readonly string[] Known = ["Action", "Version", "DurationSeconds", "Policy", "RoleArn", "RoleSessionName"];

    /// <exception cref="KmsException">MalformedRequest: names the field.</exception>
    public static StsRequest Read(Dictionary<string, string> fields)
    {
        if (fields.Keys.FirstOrDefault(static name => !Known.Contains(name)) is not null)
        {
            throw Fault($"the form has a field that is not known here; expecting {string.Join(", ", Known)}");
        }

        string duration = fields.GetValueOrDefault("DurationSeconds") ?? SessionIssuer.DefaultSeconds.ToString(CultureInfo.InvariantCulture);
        if (!int.TryParse(duration, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds)
            || seconds is < SessionIssuer.MinSeconds or > SessionIssuer.MaxSeconds)
        {
            throw Fault($"DurationSeconds must be a number from {SessionIssuer.MinSeconds} to {SessionIssuer.MaxSeconds}");
        }

        byte[] policy = Encoding.UTF8.GetBytes(fields.GetValueOrDefault("Policy") ?? "");
        if (policy.Length > SessionIssuer.MaxPolicyBytes)
        {
            throw Fault($"Policy is longer than {SessionIssuer.MaxPolicyBytes} bytes");
        }

        string arn = fields.GetValueOrDefault("RoleArn") ?? "";
        string session = fields.GetValueOrDefault("RoleSessionName") ?? "session";
        if (arn.Length > MaxArnChars || arn.Any(char.IsControl))
        {
            throw Fault($"RoleArn is longer than {MaxArnChars} characters, or holds a control character");
        }

        bool isName = session.Length is >= 2 and <= MaxNameChars
            && session.All(static character => char.IsAsciiLetterOrDigit(character) || "_+=,.@-".Contains(character, StringComparison.Ordinal));
        return isName
            ? new StsRequest(TimeSpan.FromSeconds(seconds), policy, arn[(arn.LastIndexOf('/') + 1)..], session)
            : throw Fault("RoleSessionName must be 2 to 64 of A-Z a-z 0-9 _ + = , . @ -");
    }

    private static KmsException Fault(string message) => new(KmsError.MalformedRequest, message);
}
