using CsCheck;
using KmsSidecar.Keys;
using Xunit;

namespace KmsSidecar.Tests.Keys;

public sealed class ZonedTimestampTests
{
    [Theory]
    [InlineData("2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00[UTC]")]
    [InlineData("2026-11-23T20:07:44.9769518Z", "2026-11-23T20:07:44.9769518+00:00[UTC]")]
    [InlineData("2026-11-23T20:07:44.5000000Z", "2026-11-23T20:07:44.5+00:00[UTC]")]
    [InlineData("2026-11-23T20:07:44.0000001Z", "2026-11-23T20:07:44.0000001+00:00[UTC]")]
    [InlineData("2026-01-01T02:30:00+05:30", "2025-12-31T21:00:00+00:00[UTC]")]
    [InlineData("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999+00:00[UTC]")]
    public void Format_IsUtcWithTrimmedFraction(string instant, string expected)
    {
        string written = ZonedTimestamp.Format(DateTimeOffset.Parse(instant));
        Assert.Equal(expected, written);
        Assert.True(written.Length <= ZonedTimestamp.MaxWrittenLength);
    }

    [Theory]
    [InlineData("2026-01-01T00:00:00+00:00[UTC]", "2026-01-01T00:00:00.0000000Z")]
    [InlineData("2026-11-23T20:07:44.976951802+00:00[Etc/UTC]", "2026-11-23T20:07:44.9769518Z")]
    [InlineData("2026-11-23T20:07:44.999999999+00:00[UTC]", "2026-11-23T20:07:44.9999999Z")]
    [InlineData("2026-11-23T21:07:44.5+01:00[Europe/Paris]", "2026-11-23T20:07:44.5000000Z")]
    [InlineData("2026-01-01T00:00:00-09:30[Pacific/Marquesas]", "2026-01-01T09:30:00.0000000Z")]
    [InlineData("2026-01-01T08:00:00+08:00[+08:00]", "2026-01-01T00:00:00.0000000Z")]
    [InlineData("2026-01-01T00:00:00Z[Etc/Unknown]", "2026-01-01T00:00:00.0000000Z")]
    [InlineData("2024-01-01T00:00:00Z", "2024-01-01T00:00:00.0000000Z")]
    [InlineData("2024-01-01T00:00:00+00:00", "2024-01-01T00:00:00.0000000Z")]
    [InlineData("2024-02-29T23:59:59.1-23:59", "2024-03-01T23:58:59.1000000Z")]
    [InlineData("2024-01-01T00:00:00z", "2024-01-01T00:00:00.0000000Z")]
    public void TryParse_TakesWhatRustFsWrites(string text, string expected)
    {
        Assert.True(ZonedTimestamp.TryParse(text, out DateTimeOffset instant));
        Assert.Equal(expected, instant.ToString("yyyy-MM-ddTHH:mm:ss.fffffffK").Replace("+00:00", "Z"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[UTC]")]
    [InlineData("2024-01-01")]
    [InlineData("2024-01-01T00:00:00")]
    [InlineData("2024-01-01T00:00:00[UTC]")]
    [InlineData("2024-01-01T00:00:00.Z")]
    [InlineData("2024-01-01T00:00:00.1234567890Z")]
    [InlineData("2024-01-01T00:00:00.1")]
    [InlineData("2024-01-01T00:00:00,1Z")]
    [InlineData("2024-01-01T00:00:00ZZ")]
    [InlineData("2024-01-01T00:00:00Z ")]
    [InlineData(" 2024-01-01T00:00:00Z")]
    [InlineData("2024-01-01T00:00:00+0100")]
    [InlineData("2024-01-01T00:00:00+1:00")]
    [InlineData("2024-01-01T00:00:00+24:00")]
    [InlineData("2024-01-01T00:00:00+01:60")]
    [InlineData("2024-01-01T00:00:00+01:00:00")]
    [InlineData("2024-01-01T00:00:00+01")]
    [InlineData("2024-01-01T00:00:00+")]
    [InlineData("2024-01-01T00:00:00+00:00[UTC")]
    [InlineData("2024-01-01T00:00:00+00:00[]")]
    [InlineData("2024-01-01T00:00:00+00:00[UTC]x")]
    [InlineData("2023-02-29T00:00:00Z")]
    [InlineData("2024-13-01T00:00:00Z")]
    [InlineData("2024-01-01T24:00:00Z")]
    [InlineData("2024-01-01T00:60:00Z")]
    [InlineData("0000-01-01T00:00:00Z")]
    [InlineData("0001-01-01T00:00:00+00:01")]
    [InlineData("9999-12-31T23:59:59-00:01")]
    [InlineData("２０２４-01-01T00:00:00Z")]
    public void TryParse_RefusesTheRest(string text)
    {
        Assert.False(ZonedTimestamp.TryParse(text, out DateTimeOffset instant));
        Assert.Equal(default, instant);
    }

    [Fact]
    public void TryParse_IsBounded() =>
        Assert.False(ZonedTimestamp.TryParse($"2024-01-01T00:00:00+00:00[{new string('x', 200)}]", out _));

    [Fact]
    public void Written_IsReadBack() => Gen.Long[0, DateTime.MaxValue.Ticks].Sample(ticks =>
    {
        DateTimeOffset instant = new(ticks, TimeSpan.Zero);
        return ZonedTimestamp.TryParse(ZonedTimestamp.Format(instant), out DateTimeOffset read) && read == instant;
    });

    [Fact]
    public void AnyText_IsReadOrRefused()
    {
        const string Alphabet = "0123456789-+:.TZ[]/U ";
        const string Valid = "2024-01-01T00:00:00+00:00[UTC]";
        Gen.OneOf(
                Gen.String[0, 60],
                Gen.Int[0, Alphabet.Length - 1].Select(i => Alphabet[i]).Array[0, 45].Select(chars => new string(chars)),
                Gen.Select(Gen.Int[0, Valid.Length - 1], Gen.Char, (at, replaced) => $"{Valid[..at]}{replaced}{Valid[(at + 1)..]}"))
            .Sample(
                text => ZonedTimestamp.TryParse(text, out DateTimeOffset instant)
                    ? ZonedTimestamp.TryParse(ZonedTimestamp.Format(instant), out DateTimeOffset again) && again == instant
                    : instant == default,
                iter: 20_000);
    }
}
