using System.Text;
using KmsSidecar.CommandLine;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.CommandLine.Service;
using KmsSidecar.Crypto;
using Xunit;

namespace KmsSidecar.Tests.CommandLine;

public sealed class SettingArgumentsTests
{
    [Fact]
    public void Values_HaveTheTypesOfTheirSettings() => Assert.Equal(
        """{"backend_type":"local","cache_ttl_seconds":600,"enable_cache":false,"default_key_id":"600","key_dir":"/a=b"}""",
        Write("backend_type=local", "cache_ttl_seconds=600", "enable_cache=false", "default_key_id=600", "key_dir=/a=b"));

    [Theory]
    [InlineData("cache_ttl_seconds=")]
    [InlineData("enable_cache=")]
    [InlineData("default_key_id=")]
    public void Nothing_IsTheDefault(string setting) => Assert.Equal($$"""{"{{setting[..^1]}}":null}""", Write(setting));

    [Theory]
    [InlineData("master_key=hunter2", "--file")]
    [InlineData("auth_method=hunter2", "--file")]
    [InlineData("master_key=", "--file")]
    [InlineData("cache_ttl_seconds=hunter2", "a whole number")]
    [InlineData("cache_ttl_seconds=-1", "a whole number")]
    [InlineData("enable_cache=hunter2", "true or false")]
    [InlineData("hunter2", "NAME=VALUE")]
    [InlineData("=hunter2", "NAME=VALUE")]
    [InlineData("ttl=hunter2", "cache_ttl_seconds")]
    public void WhatCannotBeUsed_SaysWhatCan_AndRepeatsNoValue(string setting, string mend)
    {
        CommandFault fault = Assert.Throws<CommandFault>(() => Write(setting));

        Assert.Equal(ExitCode.Usage, fault.ExitCode);
        Assert.Contains(mend, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ASettingTwice_IsRefused() => Assert.Throws<CommandFault>(static () => Write("enable_cache=true", "enable_cache=false"));

    private static string Write(params string[] settings)
    {
        using SecretBuffer body = AdminRequest.WriteBody(writer => SettingArguments.Write(settings, writer));
        return Encoding.UTF8.GetString(body.WrittenSpan);
    }
}
