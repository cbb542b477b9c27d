namespace KmsSidecar.Tests.Storage;

/// <summary>A private directory that is gone after the test.</summary>
internal sealed class TempDirectory : IDisposable
{
    public string FullPath { get; } = Directory.CreateTempSubdirectory("kms-sidecar-tests-").FullName;

    public string PathOf(string name) => Path.Join(FullPath, name);

    public void Dispose() => Directory.Delete(FullPath, recursive: true);
}
