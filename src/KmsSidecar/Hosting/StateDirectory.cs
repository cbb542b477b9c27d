using KmsSidecar.Options;
using KmsSidecar.Sealing;
using KmsSidecar.Storage;

namespace KmsSidecar.Hosting;

/// <summary>What the daemon keeps on disk, held for this process alone, and the master key that seals it.</summary>
internal sealed class StateDirectory : IDisposable
{
    private readonly DirectoryLock _lock;

    private StateDirectory(DirectoryLock directoryLock, NodeMasterKey masterKey, SealedFiles configurations)
    {
        _lock = directoryLock;
        MasterKey = masterKey;
        Configurations = configurations;
    }

    public NodeMasterKey MasterKey { get; }

    public SealedFiles Configurations { get; }

    /// <exception cref="Errors.KmsException">The directory cannot be used, is another process's, or was sealed with another master key.</exception>
    public static StateDirectory Open(DaemonOptions options, IFileSteps steps, DirectoryLocks locks, ILogger log)
    {
        DurableDirectory state = new(options.StateDirectory, steps);
        state.EnsurePrivate();
        DirectoryLock directoryLock = locks.Acquire(state.FullPath);
        NodeMasterKey? masterKey = null;
        try
        {
            state.Recover();
            masterKey = LoadMasterKey(options, state, log);
            masterKey.RequireMatch(state);
            DurableDirectory configurations = new(Path.Join(state.FullPath, "configuration"), steps);
            configurations.EnsurePrivate();
            configurations.Recover();
            return new StateDirectory(directoryLock, masterKey, masterKey.Seal(configurations, "configuration"));
        }
        catch
        {
            masterKey?.Dispose();
            directoryLock.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        MasterKey.Dispose();
        _lock.Dispose();
    }

    private static NodeMasterKey LoadMasterKey(DaemonOptions options, DurableDirectory state, ILogger log)
    {
        if ((SystemCredential.Find(NodeMasterKey.CredentialName) ?? options.MasterKeyFile) is { } file)
        {
            return NodeMasterKey.Read(file);
        }

        NodeMasterKey key = NodeMasterKey.ReadOrGenerate(state, out bool generated);
        if (generated)
        {
            HostingLog.MasterKeyGenerated(log, Path.Join(state.FullPath, NodeMasterKey.FileName));
        }

        return key;
    }
}
