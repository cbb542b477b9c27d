using KmsSidecar.Audit;
using KmsSidecar.Options;
using KmsSidecar.Sealing;
using KmsSidecar.Storage;

namespace KmsSidecar.Hosting;

/// <summary>What the daemon keeps on disk, held for this process alone, and the master key that seals it.</summary>
internal sealed class StateDirectory : IDisposable
{
    private readonly DirectoryLock _lock;

    private StateDirectory(
        DirectoryLock directoryLock,
        NodeMasterKey masterKey,
        SealedFiles configurations,
        SealedFiles users,
        SealedFiles audit,
        DerivedKeys derivedKeys,
        BelievedTime believedTime)
    {
        _lock = directoryLock;
        BelievedTime = believedTime;
        MasterKey = masterKey;
        Configurations = configurations;
        Users = users;
        Audit = audit;
        DerivedKeys = derivedKeys;
    }

    /// <summary>What the clock said when a daemon here last believed it.</summary>
    public BelievedTime BelievedTime { get; }

    public NodeMasterKey MasterKey { get; }

    public SealedFiles Configurations { get; }

    /// <summary>Users and policies that were made through the admin API.</summary>
    public SealedFiles Users { get; }

    /// <summary>The key that signs the audit log, and how far it is signed.</summary>
    public SealedFiles Audit { get; }

    /// <summary>Of the key directories that were open.</summary>
    public DerivedKeys DerivedKeys { get; }

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
            return new StateDirectory(
                directoryLock,
                masterKey,
                Seal(masterKey, state, "configuration", steps),
                Seal(masterKey, state, "users", steps),
                Seal(masterKey, state, AuditState.Purpose, steps),
                new DerivedKeys(
                    masterKey,
                    new DurableDirectory(Path.Join(state.FullPath, "derived-keys"), steps),
                    reason => HostingLog.DerivedKeyNotKept(log, reason)),
                new BelievedTime(state));
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
        DerivedKeys.Dispose();
        MasterKey.Dispose();
        _lock.Dispose();
    }

    /// <summary>Where the master key comes from; null for the state directory itself.</summary>
    public static string? MasterKeyFileOf(DaemonOptions options) =>
        SystemCredential.Find(DaemonOption.MasterKeyFile.Credential!) ?? options.MasterKeyFile;

    /// <summary>A directory beside the master key, named for what it holds.</summary>
    private static SealedFiles Seal(NodeMasterKey masterKey, DurableDirectory state, string purpose, IFileSteps steps)
    {
        DurableDirectory directory = new(Path.Join(state.FullPath, purpose), steps);
        directory.EnsurePrivate();
        directory.Recover();
        return masterKey.Seal(directory, purpose);
    }

    private static NodeMasterKey LoadMasterKey(DaemonOptions options, DurableDirectory state, ILogger log)
    {
        if (MasterKeyFileOf(options) is { } file)
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
