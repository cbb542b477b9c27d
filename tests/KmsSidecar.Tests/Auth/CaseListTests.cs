using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using KmsSidecar.Auth;
using Xunit;

namespace KmsSidecar.Tests.Auth;

/// <summary>The verifier's case list: 80 requests that must be answered in a certain way, each a test with the trait <c>Case</c> and its number.
/// <c>-trait Case=31</c> runs those of case 31.</summary>
/// <remarks>
/// 1-11 golden vectors and what clients send · 12-23 spellings that must be accepted · 24-31 wrong or no credentials · 32-39 changed requests
/// and bodies · 40-46 times and scopes · 47-51 headers · 52-54 query signatures and older versions · 55-59 targets of two readings ·
/// 60-64 session tokens and disabled users · 65-66 bodies without bounds · 67-77 policies · 78-80 replay, properties, timing.
/// </remarks>
public sealed class CaseListTests(ITestOutputHelper output)
{
    [Fact]
    public void EveryCase_HasATest()
    {
        IEnumerable<int> tested = typeof(CaseListTests).Assembly.GetTypes()
            .SelectMany(static type => type.GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
            .Where(static method => method.GetCustomAttributes<FactAttribute>().Any())
            .SelectMany(static method => method.GetCustomAttributes<TraitAttribute>())
            .Where(static trait => trait.Name == "Case")
            .Select(static trait => int.Parse(trait.Value, CultureInfo.InvariantCulture))
            .Distinct();

        Assert.Equal(Enumerable.Range(1, 80), tested.Order());
    }

    [Fact]
    public void EveryRowOfTheTable_IsAmongTheTraitsOfItsTest()
    {
        MethodInfo test = typeof(AcceptedRequestTests).GetMethod(nameof(AcceptedRequestTests.Request_IsAccepted))!;
        IEnumerable<string> traits = test.GetCustomAttributes<TraitAttribute>().Select(static trait => trait.Value);

        Assert.Equal(
            AcceptedRequestTests.Rows.Select(static row => row.Data.Item1.ToString(CultureInfo.InvariantCulture)).Distinct().Order(), traits.Order());
    }

    /// <summary>Reported, not asserted: a shared machine's clock is no judge. What is asserted is that both ways are refusals.</summary>
    [Fact]
    [Trait("Case", "80")]
    public void UnknownKeyAndWrongSignature_TakeAboutTheSameTime()
    {
        TimeSpan unknown = Median(new ClientRequest { AccessKey = "nobody" }.Sign(), "InvalidAccessKeyId");
        TimeSpan wrong = Median(new ClientRequest { SecretKey = "guess" }.Sign(), "SignatureDoesNotMatch");

        output.WriteLine($"medians: unknown access key {unknown.TotalMicroseconds:F1} us, wrong signature {wrong.TotalMicroseconds:F1} us");
    }

    private static TimeSpan Median(RequestHead head, string code)
    {
        List<TimeSpan> times = [];
        for (int i = 0; i < 100; i++)
        {
            // Another one each time, so that no failure before slows this one down.
            SigV4Verifier verifier = Harness.Verifier();
            long started = Stopwatch.GetTimestamp();
            Verdict verdict = verifier.Judge(head);
            times.Add(Stopwatch.GetElapsedTime(started));
            Assert.Equal(code, verdict.Failure?.Code.ToString());
        }

        times.Sort();
        return times[times.Count / 2];
    }
}
