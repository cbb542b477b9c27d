using System.Text;
using KmsSidecar.CommandLine;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.Crypto;
using KmsSidecar.Tests.Storage;
using Xunit;

namespace KmsSidecar.Tests.CommandLine;

public sealed class InputFileTests : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly TempDirectory _directory = new();

    [Theory]
    [InlineData("""{"backend_type":"local"}""", Private | UnixFileMode.OtherRead)]
    [InlineData("""{"auth_method":{"token":"hunter2"}}""", Private)]
    [InlineData("""{"auth_method":{"token":{"path":"/a"}}}""", Private | UnixFileMode.GroupRead)]
    public void ADocument_IsReadToTheByte(string text, UnixFileMode mode)
    {
        using SecretBuffer document = InputFile.ReadDocument(Write(text, mode));

        Assert.Equal(text, Encoding.UTF8.GetString(document.WrittenSpan));
    }

    [Theory]
    [InlineData("""{"master_key":"hunter2"}""")]
    [InlineData("""{"auth_method":{"approle":{"role_id":"r","secret_id":"hunter2"}}}""")]
    public void ASecretThatOthersCanRead_IsRefused(string text)
    {
        CommandFault fault = Assert.Throws<CommandFault>(() => InputFile.ReadDocument(Write(text, Private | UnixFileMode.OtherRead)));

        Assert.Equal(ExitCode.NoPermission, fault.ExitCode);
        Assert.Contains("chmod 600", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsNotJson_IsNamedByItsPlace_AndNotRepeated()
    {
        CommandFault fault = Assert.Throws<CommandFault>(() => InputFile.ReadDocument(Write("{\"master_key\":\n  hunter2}", Private)));

        Assert.Equal(ExitCode.Refused, fault.ExitCode);
        Assert.Contains("line 2, column 3", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AMissingFile_IsMissing() =>
        Assert.Equal(ExitCode.Missing, Assert.Throws<CommandFault>(() => InputFile.ReadDocument(_directory.PathOf("none"))).ExitCode);

    [Fact]
    public void ASecret_IsOneLineWithoutItsEnd()
    {
        using SecretBuffer secret = InputFile.ReadSecret(Write("hunter2\r\n", Private));

        Assert.Equal("hunter2", Encoding.UTF8.GetString(secret.WrittenSpan));
    }

    [Theory]
    [InlineData("hunter2", Private | UnixFileMode.GroupRead, ExitCode.NoPermission)]
    [InlineData("\n", Private, ExitCode.Refused)]
    [InlineData("one\ntwo\n", Private, ExitCode.Refused)]
    public void ASecretThatIsNone_IsRefused(string text, UnixFileMode mode, int exitCode) =>
        Assert.Equal(exitCode, Assert.Throws<CommandFault>(() => InputFile.ReadSecret(Write(text, mode))).ExitCode);

    public void Dispose() => _directory.Dispose();

    private string Write(string text, UnixFileMode mode)
    {
        string path = _directory.PathOf("file");
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, mode);
        return path;
    }
}
