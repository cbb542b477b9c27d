using KmsSidecar.CommandLine.Doctor;
using KmsSidecar.Tests.Storage;
using Xunit;

namespace KmsSidecar.Tests.CommandLine.Doctor;

public sealed class SocketUnitTests : IDisposable
{
    private const string Packaged = "usr/lib/systemd/system/kms-sidecar.socket";
    private const string Own = "etc/systemd/system/kms-sidecar.socket";
    private const string Enabled = "etc/systemd/system/sockets.target.wants/kms-sidecar.socket";

    private readonly TempDirectory _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void Addresses_AreThoseOfTheUnit_AsItIsEdited()
    {
        Write(Packaged, "[Socket]\nListenStream=/run/kms.sock\nListenStream=127.0.0.1:9020\n");
        Assert.False(Has("127.0.0.1:9020"));

        Write(Enabled, "");
        Assert.True(Has("127.0.0.1:9020"));
        Assert.True(Has("/run/kms.sock"));
        Assert.False(Has("127.0.0.1:9021"));

        Write($"{Own}.d/b.conf", "[Socket]\nListenStream=127.0.0.1:9021\n");
        Assert.True(Has("127.0.0.1:9020"));
        Assert.True(Has("127.0.0.1:9021"));

        Write($"{Own}.d/a.conf", "[Socket]\nListenStream=\n");
        Assert.False(Has("127.0.0.1:9020"));
        Assert.True(Has("127.0.0.1:9021"));

        Write(Own, "[Socket]\nListenStream=127.0.0.1:9022\n");
        Directory.Delete(_root.PathOf($"{Own}.d"), recursive: true);
        Assert.True(Has("127.0.0.1:9022"));
        Assert.False(Has("127.0.0.1:9020"));
    }

    [Fact]
    public void AUnitThatIsGone_HasNothing()
    {
        Write(Enabled, "");
        Assert.False(Has("127.0.0.1:9020"));
    }

    private bool Has(string address) => new SocketUnit(_root.FullPath).Has(address);

    private void Write(string file, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_root.PathOf(file))!);
        File.WriteAllText(_root.PathOf(file), text);
    }
}
