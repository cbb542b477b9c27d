using KmsSidecar.Storage;
using Xunit;

namespace KmsSidecar.Tests.Storage;

public sealed class ServiceSandboxTests
{
    [Theory]
    [InlineData("/data/keys", Errno.ReadOnlyFileSystem, "`systemctl edit kms-sidecar`: [Service], ReadWritePaths=/data/keys")]
    [InlineData("/home/kms/keys", Errno.ReadOnlyFileSystem, "[Service], ProtectHome=no, ReadWritePaths=/home/kms/keys")]
    [InlineData("/home/kms/keys", Errno.AccessDenied, "[Service], ProtectHome=no, ReadWritePaths=/home/kms/keys")]
    [InlineData("/root/keys", Errno.NotFound, "[Service], ProtectHome=no, ReadWritePaths=/root/keys")]
    public void WhatTheSandboxTakesAway_IsMendedInTheUnit(string directory, int errno, string mend)
    {
        Assert.EndsWith(mend, ServiceSandbox.Explain(directory, errno, isService: true), StringComparison.Ordinal);
        Assert.Equal(Errno.Describe(errno), ServiceSandbox.Explain(directory, errno, isService: false));
    }

    [Theory]
    [InlineData("/data/keys", Errno.AccessDenied)]
    [InlineData("/homely/keys", Errno.AccessDenied)]
    [InlineData("/home/kms/keys", Errno.NoSpace)]
    public void WhatItHasNoPartIn_IsAsEverywhere(string directory, int errno) =>
        Assert.Equal(Errno.Describe(errno), ServiceSandbox.Explain(directory, errno, isService: true));
}
