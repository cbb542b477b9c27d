using KmsSidecar.CommandLine;
using KmsSidecar.Errors;
using KmsSidecar.Hosting;
using Xunit;

namespace KmsSidecar.Tests.Hosting;

public sealed class ClockGuardTests
{
    [Fact]
    public void ClockThatWasNeverSet_IsRefused()
    {
        KmsException refused = Assert.Throws<KmsException>(() => ClockGuard.Require(DateTimeOffset.UnixEpoch.AddMinutes(1)));

        Assert.Equal(
            "the clock says 1970-01-01 00:01 UTC, which cannot be right; set it with `timedatectl set-time`, or have it set with `timedatectl set-ntp true`",
            refused.Message);
        Assert.Equal(76, ExitCode.Of(refused));
    }

    [Fact]
    public void AnyOther_IsTaken() => ClockGuard.Require(new DateTimeOffset(2125, 11, 1, 0, 0, 0, TimeSpan.Zero));
}
