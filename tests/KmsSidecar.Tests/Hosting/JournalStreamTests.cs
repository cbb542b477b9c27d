using KmsSidecar.Hosting;
using KmsSidecar.Tests.Storage;
using Xunit;

namespace KmsSidecar.Tests.Hosting;

public sealed class JournalStreamTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("8:4711", "socket:[4711]", true)]
    [InlineData("8:4711", "socket:[471]", false)]
    [InlineData("8:4711", "/dev/pts/0", false)]
    [InlineData("4711", "socket:[4711]", false)]
    [InlineData("", "socket:[]", false)]
    [InlineData(null, "socket:[4711]", false)]
    public void Descriptor_IsTheJournals(string? stream, string target, bool expected)
    {
        string descriptor = _directory.PathOf("2");
        File.CreateSymbolicLink(descriptor, target);

        Assert.Equal(expected, JournalStream.IsThis(stream, descriptor));
    }

    [Fact]
    public void NoDescriptor_IsNot() => Assert.False(JournalStream.IsThis("8:4711", _directory.PathOf("2")));
}
