using System.Collections.Immutable;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Storage;

namespace KmsSidecar.Backends.Local;

/// <summary>Keys in a directory of RustFS's format, opened when they are first used and kept in memory while this object lives.</summary>
/// <remarks>A key is found by its id among the names that the directory had at open; no id of a caller ever becomes a path.</remarks>
internal sealed class LocalBackend : IKeyBackend
{
    private static readonly BackendCapabilities Everything = new(
        Rotate: true, EnableDisable: true, ScheduleDeletion: true, Versioning: true, PhysicalDelete: true, UpdateKeyMetadata: true, Rewrap: true);

    private readonly KeyDirectory _directory;
    private readonly DirectoryLock _lock;
    private readonly MaterialCipher _cipher;
    private readonly Keyring _keys;
    private readonly KeyScan _scan;
    private readonly KeyWriter _writer;
    private readonly bool _foreignMasterKey;
    private readonly EnvelopeSealer _sealer;

    private LocalBackend(
        KeyDirectory directory,
        DirectoryLock directoryLock,
        MaterialCipher cipher,
        List<KeySlot> slots,
        HashSet<string> orphans,
        BackendReports reports,
        TimeProvider clock)
    {
        _directory = directory;
        _lock = directoryLock;
        _cipher = cipher;
        _sealer = new EnvelopeSealer(bindsContextInRustFsForm: false, writesVersionInRustFsForm: false, clock);
        _keys = new Keyring(slots, new KeyLoader(directory, cipher), reports.Unreadable, reports.Notice);
        _writer = new KeyWriter(directory, cipher, _keys, orphans, clock);
        _scan = KeyScan.Begin(_keys, out _foreignMasterKey);
    }

    public BackendCapabilities Capabilities => Everything;

    public ImmutableArray<UnreadableKey> Unreadable => _keys.Unreadable;

    public string? SoleKeyId => null;

    public int? KeyCount => _keys.Count;

    public int UncheckedKeyCount => _keys.UncheckedCount;

    /// <summary>Takes the directory for this process. Up to <see cref="KeyScan.ReadAtOpen"/> keys are opened at once, the others when they are
    /// first used, while a scan in the background finds those that cannot be. Nothing that RustFS wrote is changed, the directory's permissions
    /// aside.</summary>
    /// <param name="masterKey">The configured password as UTF-8; stays the caller's.</param>
    /// <param name="reports">Told of what an operator should know, now and later.</param>
    /// <exception cref="KmsException">StorageFailed: not readable, not writable, or held by another process.
    /// InvalidConfiguration: an unfinished restore, a lost or damaged salt.
    /// BackendUnavailable: it was to be there, and is not.</exception>
    public static LocalBackend Open(
        LocalBackendSettings settings,
        OpenMode mode,
        SecretBytes masterKey,
        IFileSteps steps,
        DirectoryLocks locks,
        BackendReports reports,
        TimeProvider clock)
    {
        DurableDirectory files = new(settings.KeyDirectory, steps);
        if (mode != OpenMode.CreateMissing)
        {
            RequireOpenedBefore(files);
        }

        if (mode != OpenMode.Inspect && files.EnsurePrivate() is { } found)
        {
            reports.Notice($"the permissions of {files.FullPath} were {Octal(found)} and are now {Octal(DurableDirectory.PrivateMode)}");
        }

        KeyDirectory directory = new(files, settings.FilePermissions);
        DirectoryLock directoryLock = locks.Acquire(files.FullPath);
        try
        {
            directory.RefuseUnfinishedRestore();
            if (directoryLock.IsFirst && mode != OpenMode.Inspect)
            {
                directory.Recover();
            }

            List<KeySlot> slots = directory.List(out HashSet<string> orphans);
            foreach (string id in orphans)
            {
                reports.Notice($"{directory.FullPath} has versions of key '{id}' but no {KeyDirectory.FileNameOf(id)}; restore it, or remove {KeyVersionFile.NameOf(id, 0)[..^1]}*");
            }

            byte[] salt = directory.LoadSalt(slots.Select(static slot => slot.KeyId), out bool created);
            if (created)
            {
                reports.Notice($"made {Path.Join(directory.FullPath, KeyDirectory.SaltFile)}; it belongs into every backup of the keys");
            }

            return new LocalBackend(directory, directoryLock, new MaterialCipher(masterKey, salt, settings.Derive), slots, orphans, reports, clock);
        }
        catch
        {
            directoryLock.Dispose();
            throw;
        }
    }

    /// <summary>What <see cref="OpenMode.CreateMissing"/> would make, in words; empty when all is there. Makes nothing.</summary>
    /// <exception cref="KmsException">StorageFailed: it could not be made. InvalidConfiguration: the salt is lost.</exception>
    public static ImmutableArray<string> DescribeMissing(string keyDirectory)
    {
        string salt = Path.Join(keyDirectory, KeyDirectory.SaltFile);
        if (File.Exists(salt))
        {
            return [];
        }

        if (Directory.Exists(keyDirectory))
        {
            KeyDirectory directory = new(new DurableDirectory(keyDirectory, new SystemFileSteps()), UnixFileMode.None);
            directory.RefuseUnfinishedRestore();
            directory.RefuseNewSalt(directory.List(out _).Select(static slot => slot.KeyId));
            return [$"salt {salt}"];
        }

        return new DurableDirectory(keyDirectory, new SystemFileSteps()).FindFault() is { } fault
            ? throw fault
            : [$"key directory {keyDirectory}", $"salt {salt}"];
    }

    public ValueTask CheckHealthAsync(CancellationToken cancellation)
    {
        _directory.CheckReadable();
        RefuseForeignMasterKey();
        return ValueTask.CompletedTask;
    }

    public KeyCounts? CountKeys() => _keys.CountByState();

    public KeyClaim ClaimOn(Envelope envelope) => _keys.Holds(envelope.MasterKeyId) ? KeyClaim.Yes : KeyClaim.No;

    public ValueTask<(KmsError Error, KeyDescription? Key)> FindAsync(string keyId, CancellationToken cancellation)
    {
        KmsError error = _keys.TryGet(keyId, out LocalKey? key);
        return ValueTask.FromResult((error, key?.Description));
    }

    public ValueTask<ImmutableArray<KeyVersion>> ListVersionsAsync(KeyDescription key, CancellationToken cancellation) => new(
        _keys.TryGet(key.KeyId, out LocalKey? held) == KmsError.None
            ? [.. held!.Versions.Select(static version => new KeyVersion(version.Number, version.CreatedAt))]
            : []);

    public ValueTask<KeyPage> ListAsync(string? marker, int limit, CancellationToken cancellation) =>
        ValueTask.FromResult(_keys.Page(marker, limit));

    public ValueTask<KeyDescription> CreateAsync(NewKey request, CancellationToken cancellation)
    {
        RefuseForeignMasterKey();
        return ValueTask.FromResult(_writer.Create(request));
    }

    public ValueTask<KeyDescription> ChangeAsync(string keyId, KeyChange change, CancellationToken cancellation) =>
        ValueTask.FromResult(_writer.Change(keyId, change));

    public ValueTask<KeyDescription> RotateAsync(string keyId, CancellationToken cancellation) => ValueTask.FromResult(_writer.Rotate(keyId));

    public ValueTask DestroyAsync(string keyId, DateTimeOffset? ifDueBy, CancellationToken cancellation)
    {
        _writer.Destroy(keyId, ifDueBy);
        return ValueTask.CompletedTask;
    }

    public ValueTask<ImmutableArray<KeyDescription>> FindDueAsync(DateTimeOffset now, CancellationToken cancellation)
    {
        _writer.WipeDestroyed();
        ImmutableArray<KeyDescription> due =
        [
            .. _keys.Ending.Where(key => KeyRules.IsDue(key, now) && _keys.TryGet(key.KeyId, out _) == KmsError.None)
                .Select(key => _writer.Refresh(key.KeyId))
                .Where(key => KeyRules.IsDue(key, now))
                .OrderBy(static key => key.KeyId, Utf8Order.Instance),
        ];
        return ValueTask.FromResult(due);
    }

    public ValueTask<WrapResult> WrapAsync(WrapRequest request, CancellationToken cancellation)
    {
        LocalKeyVersion? version = null;
        KmsError error = _keys.TryGet(request.KeyId, out LocalKey? key);
        error = error == KmsError.None ? key!.TryGetNewest(out version) : error;
        if (error != KmsError.None)
        {
            return ValueTask.FromResult(new WrapResult(error, 0));
        }

        // RustFS knows the first version alone and writes no number; of a later one the envelope has to tell.
        _sealer.Wrap(version!.Key, version.Number, request, namesVersion: version != key!.First);
        return ValueTask.FromResult(new WrapResult(KmsError.None, version.Number));
    }

    public ValueTask<UnwrapResult> UnwrapAsync(
        Envelope envelope, EncryptionContext context, Memory<byte> plaintext, CancellationToken cancellation)
    {
        KmsError error = _keys.TryGet(envelope.MasterKeyId, out LocalKey? key);
        if (key?.VersionOf(envelope) is not { } version)
        {
            plaintext.Span.Clear();
            return ValueTask.FromResult(new UnwrapResult(error == KmsError.KeyDamaged ? error : KmsError.InvalidCiphertext, 0, 0));
        }

        return ValueTask.FromResult(_sealer.Unwrap(version.Key, version.Number, envelope, context, plaintext.Span));
    }

    public void Dispose()
    {
        _scan.Dispose();
        _keys.Wipe();
        _writer.Dispose();
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

    private static string Octal(UnixFileMode mode) => Convert.ToString((int)mode, 8).PadLeft(4, '0');
}
