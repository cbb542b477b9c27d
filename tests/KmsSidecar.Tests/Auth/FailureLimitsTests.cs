using System.Globalization;
using System.Net;
using KmsSidecar.Auth;
using KmsSidecar.Observability;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.Auth;

/// <summary>Who guesses is slowed down, and nobody else.</summary>
public sealed class FailureLimitsTests
{
    private static readonly IPAddress Here = IPAddress.Loopback;

    private readonly FakeTimeProvider _clock = Harness.ClockAt(Harness.DateTime);

    [Fact]
    public void Bucket_RefillsOneByOne()
    {
        TokenBuckets<string> buckets = new(burst: 3, TimeSpan.FromSeconds(2), capacity: 10, _clock);

        Assert.Equal([true, true, true, false], Enumerable.Range(0, 4).Select(_ => buckets.TryTake("a")));
        Assert.True(buckets.IsEmpty("a"));
        Assert.False(buckets.IsEmpty("b"));
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal([true, false], Enumerable.Range(0, 2).Select(_ => buckets.TryTake("a")));
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(3, Enumerable.Range(0, 9).Count(_ => buckets.TryTake("a")));
    }

    [Fact]
    public void Table_IsBounded_AndForgetsTheFullestFirst()
    {
        TokenBuckets<string> buckets = new(burst: 3, TimeSpan.FromSeconds(2), capacity: 4, _clock);
        while (buckets.TryTake("emptied"))
        {
        }

        for (int i = 0; i < 1000; i++)
        {
            buckets.TryTake(i.ToString(CultureInfo.InvariantCulture));
        }

        Assert.Equal(4, buckets.Count);
        Assert.True(buckets.IsEmpty("emptied"));
    }

    [Fact]
    public void WrongSignatures_CloseThatAccessKeyAlone_UntilItRefills()
    {
        SigV4Verifier verifier = Harness.Verifier(credentials: new FixedCredentials(("one", "secret-one"), ("two", "secret-two")), clock: _clock);
        RequestHead wrong = new ClientRequest { AccessKey = "one", SecretKey = "guess" }.Sign();
        RequestHead right = new ClientRequest { AccessKey = "one", SecretKey = "secret-one" }.Sign();
        RequestHead other = new ClientRequest { AccessKey = "two", SecretKey = "secret-two" }.Sign();

        Harness.AssertAccepted(verifier.Judge(right));
        for (int i = 0; i < FailureLimits.KeyBurst; i++)
        {
            Harness.AssertRefused(verifier.Judge(wrong), "SignatureDoesNotMatch", 403);
        }

        Harness.AssertRefused(verifier.Judge(wrong), "SlowDown", 503);
        Harness.AssertRefused(verifier.Judge(right), "SlowDown", 503);
        Harness.AssertAccepted(verifier.Judge(other));
        _clock.Advance(FailureLimits.KeyInterval);
        Harness.AssertAccepted(verifier.Judge(right));
    }

    [Fact]
    public void WrongSignaturesOverABody_CountToo()
    {
        SigV4Verifier verifier = Harness.Verifier(clock: _clock);
        RequestHead wrong = new ClientRequest { SecretKey = "guess", SendsHash = false }.Sign();
        for (int i = 0; i < FailureLimits.KeyBurst; i++)
        {
            Harness.AssertRefused(verifier.Judge(wrong), "SignatureDoesNotMatch", 403);
        }

        Harness.AssertRefused(verifier.Judge(wrong), "SlowDown", 503);
    }

    [Fact]
    public void UnknownAccessKeys_HaveNoBuckets()
    {
        FailureLimits limits = new(_clock);
        SigV4Verifier verifier = new(new SigV4Options(), _clock, Harness.Root(), limits);
        for (int i = 0; i < 3 * FailureLimits.KeyBurst; i++)
        {
            Harness.AssertRefused(verifier.Judge(new ClientRequest { AccessKey = "nobody" }.Sign()), "InvalidAccessKeyId", 403);
        }

        Assert.Equal(0, limits.LimitedKeys);
    }

    [Fact]
    public void Failures_AreToldUntilTheAddressHasHadItsShare()
    {
        FailureLimits limits = new(_clock);

        for (int i = 0; i < FailureLimits.AddressBurst; i++)
        {
            Assert.Same(AuthFailure.SignatureRequired, limits.Count(Here, AuthFailure.SignatureRequired));
        }

        Assert.Same(AuthFailure.SlowDown, limits.Count(Here, AuthFailure.SignatureRequired));
        Assert.Same(AuthFailure.WrongBody, limits.Count(IPAddress.Parse("192.0.2.1"), AuthFailure.WrongBody));
        _clock.Advance(FailureLimits.AddressInterval);
        Assert.Same(AuthFailure.WrongBody, limits.Count(Here, AuthFailure.WrongBody));
    }

    [Theory]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true)]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:2::1", false)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("0.0.0.0", "::", false)]
    public void Network_IsTheAddressOrItsSixtyFour(string first, string second, bool isOne)
    {
        FailureLimits limits = new(_clock);
        for (int i = 0; i < FailureLimits.AddressBurst; i++)
        {
            limits.Count(IPAddress.Parse(first), AuthFailure.WrongBody);
        }

        Assert.Equal(isOne, limits.Count(IPAddress.Parse(second), AuthFailure.WrongBody) == AuthFailure.SlowDown);
    }

    [Fact]
    public void SettingTheClock_RefillsNothing()
    {
        SettableClock clock = new();
        TokenBuckets<string> buckets = new(burst: 1, TimeSpan.FromSeconds(2), capacity: 10, clock);
        Assert.True(buckets.TryTake("a"));
        clock.Wall += TimeSpan.FromDays(1);

        Assert.True(buckets.IsEmpty("a"));
    }

    [Theory]
    [InlineData(16, 16)]
    [InlineData(-16, -16)]
    [InlineData(15, null)]
    public void ClockThatIsSet_IsToldOnce(int minutes, int? expected)
    {
        SettableClock clock = new();
        ClockWatch watch = new(clock);
        clock.Wall += TimeSpan.FromHours(5);
        clock.Monotonic += TimeSpan.FromHours(5);
        Assert.Null(watch.FindJump(out _));
        clock.Wall += TimeSpan.FromMinutes(minutes);

        Assert.Equal(expected is null ? null : TimeSpan.FromMinutes(expected.Value), watch.FindJump(out DateTimeOffset now));
        Assert.Equal(clock.Wall, now);
        Assert.Null(watch.FindJump(out _));
    }

    [Fact]
    public void ClockThatIsSet_StillHasTheWindow()
    {
        SettableClock clock = new() { Wall = Harness.ClockAt(Harness.DateTime).GetUtcNow() };
        SigV4Verifier verifier = Harness.Verifier(clock: clock);
        RequestHead head = new ClientRequest().Sign();
        Harness.AssertAccepted(verifier.Judge(head));
        clock.Wall += TimeSpan.FromHours(1);

        Harness.AssertRefused(verifier.Judge(head), "RequestTimeTooSkewed", 403);
    }

    /// <summary>A wall clock that can be set, beside one that only runs on.</summary>
    private sealed class SettableClock : TimeProvider
    {
        public DateTimeOffset Wall { get; set; } = DateTimeOffset.UnixEpoch;

        public TimeSpan Monotonic { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override DateTimeOffset GetUtcNow() => Wall;

        public override long GetTimestamp() => Monotonic.Ticks;
    }
}
