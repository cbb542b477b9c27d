using System.Collections.Frozen;
using System.Collections.Immutable;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Storage;

namespace KmsSidecar.Backends.Local;

/// <summary>Keys in a directory of RustFS's format, all of them open in memory while this object lives.</summary>
/// <remarks>A key is found by its id among those that were read at open; no id of a caller ever becomes a path.</remarks>
internal sealed class LocalBackend : IKeyBackend
{
    private const string CreatedBy = "local-kms";

    private readonly KeyDirectory _directory;
    private readonly DirectoryLock _lock;
    private readonly MaterialCipher _cipher;
    private readonly Keyring _keys;
    private readonly FrozenSet<string> _unreadableIds;
    private readonly bool _foreignMasterKey;
    private readonly TimeProvider _clock;
    private readonly EnvelopeSealer _sealer;

    private LocalBackend(
        KeyDirectory directory, DirectoryLock directoryLock, LoadedKeys loaded, ImmutableArray<string> notices, TimeProvider clock)
    {
        _directory = directory;
        _lock = directoryLock;
        _cipher = loaded.Cipher;
        _keys = loaded.Keys;
        _unreadableIds = loaded.UnreadableIds;
        _foreignMasterKey = loaded.NoneOpened;
        _clock = clock;
        _sealer = new EnvelopeSealer(bindsContextInRustFsForm: false, writesVersionInRustFsForm: false, clock);
        Unreadable = loaded.Unreadable;
        Notices = notices;
    }

    public BackendCapabilities Capabilities => BackendCapabilities.WrapOnly;

    public ImmutableArray<UnreadableKey> Unreadable { get; }

    public string? SoleKeyId => null;

    public int? KeyCount => _keys.Count;

    /// <summary>What an operator should know about this opening, one sentence each: for the log.</summary>
    public ImmutableArray<string> Notices { get; }

    /// <summary>Takes the directory for this process and opens every key in it. Nothing that RustFS wrote is changed, the directory's
    /// permissions aside.</summary>
    /// <param name="masterKey">The configured password as UTF-8; stays the caller's.</param>
    /// <exception cref="KmsException">StorageFailed: not readable, not writable, or held by another process.
    /// InvalidConfiguration: an unfinished restore, a lost or damaged salt.
    /// BackendUnavailable: <see cref="OpenMode.Existing"/> is asked for, and it is not there.</exception>
    public static LocalBackend Open(
        LocalBackendSettings settings, OpenMode mode, SecretBytes masterKey, IFileSteps steps, DirectoryLocks locks, TimeProvider clock)
    {
        List<string> notices = [];
        DurableDirectory files = new(settings.KeyDirectory, steps);
        if (mode == OpenMode.Existing)
        {
            RequireOpenedBefore(files);
        }

        if (files.EnsurePrivate() is { } found)
        {
            notices.Add($"the permissions of {files.FullPath} were {Octal(found)} and are now {Octal(DurableDirectory.PrivateMode)}");
        }

        KeyDirectory directory = new(files, settings.FilePermissions);
        DirectoryLock directoryLock = locks.Acquire(files.FullPath);
        try
        {
            directory.RefuseUnfinishedRestore();
            if (directoryLock.IsFirst)
            {
                directory.Recover();
            }

            LoadedKeys loaded = LoadedKeys.Load(directory, masterKey, notices);
            return new LocalBackend(directory, directoryLock, loaded, [.. notices], clock);
        }
        catch
        {
            directoryLock.Dispose();
            throw;
        }
    }

    /// <summary>What <see cref="OpenMode.CreateMissing"/> would make, in words; empty when all is there. Makes nothing.</summary>
    /// <exception cref="KmsException">StorageFailed: it could not be made.</exception>
    public static ImmutableArray<string> DescribeMissing(string keyDirectory)
    {
        string salt = Path.Join(keyDirectory, KeyDirectory.SaltFile);
        if (Directory.Exists(keyDirectory))
        {
            return File.Exists(salt) ? [] : [$"salt {salt}"];
        }

        string parent = keyDirectory;
        while (!Path.Exists(parent) && Path.GetDirectoryName(parent) is { } above)
        {
            parent = above;
        }

        return Posix.CanMakeEntriesIn(parent)
            ? [$"key directory {keyDirectory}", $"salt {salt}"]
            : throw new KmsException(KmsError.StorageFailed, $"the key directory {keyDirectory} cannot be made: {parent} is not a directory that this process may write to");
    }

    public ValueTask CheckHealthAsync(CancellationToken cancellation)
    {
        _directory.CheckReadable();
        RefuseForeignMasterKey();
        return ValueTask.CompletedTask;
    }

    public ValueTask<bool> HoldsAsync(string keyId, CancellationToken cancellation) =>
        ValueTask.FromResult(_keys.TryGet(keyId, out _) || _unreadableIds.Contains(keyId));

    public ValueTask<(KmsError Error, KeyDescription? Key)> FindAsync(string keyId, CancellationToken cancellation) =>
        ValueTask.FromResult(_keys.TryGet(keyId, out LocalKey? key) ? (KmsError.None, key.Description) : (WhyMissing(keyId), null));

    public ValueTask<KeyPage> ListAsync(string? marker, int limit, CancellationToken cancellation) =>
        ValueTask.FromResult(_keys.Page(marker, limit));

    public ValueTask<KeyDescription> CreateAsync(NewKey request, CancellationToken cancellation)
    {
        if (!KeyId.IsLegal(request.KeyId))
        {
            throw new KmsException(KmsError.InvalidKeyId);
        }

        RefuseForeignMasterKey();
        using SecretBytes material = SecretBytes.Random(AeadKey.KeyLength);
        using KeyFile file = NewFile(request, material);
        if (!_directory.TryCreate(file))
        {
            throw new KmsException(KmsError.KeyExists);
        }

        LocalKey key = new(file.Describe(), [new LocalKeyVersion(file.Version, AeadKey.From(material.Span))]);
        _keys.Add(key);
        return ValueTask.FromResult(key.Description);
    }

    public ValueTask<WrapResult> WrapAsync(WrapRequest request, CancellationToken cancellation)
    {
        KmsError error = _keys.TryGet(request.KeyId, out LocalKey? key) ? KeyRules.WhyNotWrapping(key.Description.State) : WhyMissing(request.KeyId);
        if (error != KmsError.None)
        {
            return ValueTask.FromResult(new WrapResult(error, 0));
        }

        LocalKeyVersion version = key!.Newest;
        _sealer.Wrap(version.Key, version.Number, request);
        return ValueTask.FromResult(new WrapResult(KmsError.None, version.Number));
    }

    public ValueTask<UnwrapResult> UnwrapAsync(
        Envelope envelope, EncryptionContext context, Memory<byte> plaintext, CancellationToken cancellation)
    {
        if (!_keys.TryGet(envelope.MasterKeyId, out LocalKey? key) || key.VersionOf(envelope) is not { } version)
        {
            plaintext.Span.Clear();
            KmsError error = _unreadableIds.Contains(envelope.MasterKeyId) ? KmsError.KeyDamaged : KmsError.InvalidCiphertext;
            return ValueTask.FromResult(new UnwrapResult(error, 0, 0));
        }

        return ValueTask.FromResult(_sealer.Unwrap(version.Key, version.Number, envelope, context, plaintext.Span));
    }

    public void Dispose()
    {
        _keys.Dispose();
        _cipher.Dispose();
        _lock.Dispose();
    }

    private static void RequireOpenedBefore(DurableDirectory files)
    {
        if (!files.Exists(KeyDirectory.SaltFile))
        {
            throw new KmsException(
                KmsError.BackendUnavailable,
                $"{Path.Join(files.FullPath, KeyDirectory.SaltFile)} is not there: mount the file system that holds the keys, or restore the directory");
        }
    }

    /// <summary>Keys made under two master keys in one directory could never be used together.</summary>
    private void RefuseForeignMasterKey()
    {
        if (_foreignMasterKey)
        {
            throw new KmsException(
                KmsError.InvalidConfiguration,
                $"no key in {_directory.FullPath} opens under this master key; give the one they were made with as master_key, or name another key_dir");
        }
    }

    private KmsError WhyMissing(string keyId) => _unreadableIds.Contains(keyId) ? KmsError.KeyDamaged : KmsError.KeyNotFound;

    private KeyFile NewFile(NewKey request, SecretBytes material)
    {
        (byte[] nonce, SecretBytes @sealed) = _cipher.Seal(material.Span);
        return new KeyFile
        {
            KeyId = request.KeyId,
            Version = 1,
            Algorithm = "AES_256",
            Usage = KeyFileNames.EncryptDecrypt,
            State = KeyState.Enabled,
            Description = request.Description,
            Metadata = [.. request.Tags],
            CreatedAt = ZonedTimestamp.Format(_clock.GetUtcNow()),
            CreatedBy = CreatedBy,
            Material = @sealed,
            Nonce = nonce,
            Protection = AtRestProtection.EncryptedMasterKey,
        };
    }

    private static string Octal(UnixFileMode mode) => Convert.ToString((int)mode, 8).PadLeft(4, '0');
}
