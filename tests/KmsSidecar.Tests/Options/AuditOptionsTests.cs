using KmsSidecar.Audit;
using KmsSidecar.Options;
using Xunit;

namespace KmsSidecar.Tests.Options;

public sealed class AuditOptionsTests
{
    [Fact]
    public void Default_IsBounded_AndGoesOn() => Assert.Equal(
        new AuditSettings(Directory: null, IsStrict: false, RefusesUnrecorded: false, 64 << 20, TimeSpan.FromHours(24), 4L << 30), Read(out _));

    [Fact]
    public void Settings_AreTaken()
    {
        AuditSettings? settings = Read(
            out IReadOnlyList<string> faults, "audit = strict", "audit_dir = /log", "audit_full = refuse", "audit_file_size = 100K", "audit_file_age = 1", "audit_keep = 1M");

        Assert.Empty(faults);
        Assert.Equal(new AuditSettings("/log", IsStrict: true, RefusesUnrecorded: true, 100 << 10, TimeSpan.FromHours(1), 1 << 20), settings);
    }

    [Fact]
    public void Off_IsNone() => Assert.Null(Read(out _, "audit = off"));

    [Theory]
    [InlineData("audit = on", "expected bounded, strict or off")]
    [InlineData("audit_full = maybe", "expected continue or refuse")]
    [InlineData("audit_dir = log", "absolute path")]
    [InlineData("audit_file_size = 1K", "at least 64K")]
    [InlineData("audit_file_size = 64X", "a size such as 64M")]
    [InlineData("audit_keep = 99999999999999G", "a size such as 64M")]
    [InlineData("audit_keep = 100M", "two files")]
    [InlineData("audit_file_size = 3G", "two files")]
    [InlineData("audit_file_age = 0", "a number of hours")]
    public void BadValue_IsRefused_WithWhatIsExpected(string line, string expected)
    {
        Read(out IReadOnlyList<string> faults, line);

        Assert.Contains(expected, Assert.Single(faults), StringComparison.Ordinal);
    }

    private static AuditSettings? Read(out IReadOnlyList<string> faults, params string[] lines)
    {
        OptionValues values = OptionValues.Collect(static _ => [], static _ => null, "file", lines, static _ => null);
        AuditSettings? settings = AuditOptions.From(values);
        faults = values.Faults;
        return settings;
    }
}
