using System.Globalization;
using System.Text;
using KmsSidecar.Auth;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.Auth;

/// <summary>What came of a request, and whether its body was asked for.</summary>
internal sealed record Verdict(Caller? Caller, AuthFailure? Failure, bool ReadBody);

/// <summary>A verifier with its clock at the time of the golden vectors.</summary>
internal static class Harness
{
    public const string AccessKey = "rustfsadmin";
    public const string SecretKey = "rustfsadmin";
    public const string DateTime = "20260102T030405Z";

    public static RootCredentials Root() => new(AccessKey, Encoding.UTF8.GetBytes(SecretKey));

    public static FakeTimeProvider ClockAt(string dateTime) => new(
        DateTimeOffset.ParseExact(dateTime, "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal));

    public static SigV4Verifier Verifier(SigV4Options? options = null, ICredentialSource? credentials = null, TimeProvider? clock = null) =>
        new(options ?? new SigV4Options(), clock ?? ClockAt(DateTime), credentials ?? Root());

    public static RequestTarget Target(string raw)
    {
        Assert.True(RequestTarget.TryParse(raw, out RequestTarget? target, out AuthFailure? failure), failure?.Message);
        return target;
    }

    public static RequestHead Head(string method, string target, IEnumerable<(string Name, string Value)> headers) =>
        new(method, Target(target), [.. headers.Select(static header => new HeaderField(header.Name, header.Value))]);

    public static Verdict Judge(this SigV4Verifier verifier, RequestHead head, byte[]? body = null)
    {
        if (!verifier.TryBegin(head, out PendingVerification? pending, out AuthFailure? failure))
        {
            return new Verdict(null, failure, ReadBody: false);
        }

        _ = pending.TryComplete(body ?? [], out Caller? caller, out failure);
        return new Verdict(caller, failure, ReadBody: true);
    }

    public static void AssertAccepted(Verdict verdict)
    {
        Assert.Null(verdict.Failure);
        Assert.NotNull(verdict.Caller);
    }

    public static void AssertRefused(Verdict verdict, string code, int status)
    {
        Assert.Null(verdict.Caller);
        Assert.NotNull(verdict.Failure);
        Assert.Equal((code, status), (verdict.Failure.Code.ToString(), verdict.Failure.Status));
    }

    /// <summary>The same request with one header's value replaced, or the header left out.</summary>
    public static RequestHead With(this RequestHead head, string name, string? value) => head with
    {
        Headers =
        [
            .. head.Headers
                .Where(field => value is not null || !field.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
                .Select(field => field.Name.Equals(name, StringComparison.OrdinalIgnoreCase) ? field with { Value = value! } : field),
        ],
    };

    /// <summary>The same request with one more header line.</summary>
    public static RequestHead Plus(this RequestHead head, string name, string value) =>
        head with { Headers = [.. head.Headers, new HeaderField(name, value)] };

    public static string Value(this RequestHead head, string name) =>
        head.Headers.Single(field => field.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;
}
