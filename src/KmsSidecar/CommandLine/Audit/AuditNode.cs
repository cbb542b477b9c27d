using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using KmsSidecar.Audit;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Hosting;
using KmsSidecar.Options;
using KmsSidecar.Sealing;
using KmsSidecar.Storage;

namespace KmsSidecar.CommandLine.Audit;

/// <summary>What the node's own state says of its audit log, for who may read it. Beside a daemon that runs; it changes nothing.</summary>
internal sealed class AuditNode : IDisposable
{
    private readonly NodeMasterKey _masterKey;
    private readonly SealedFiles _state;

    private AuditNode(NodeMasterKey masterKey, SealedFiles state) => (_masterKey, _state) = (masterKey, state);

    /// <param name="why">It is not to be had; null when it is.</param>
    /// <exception cref="KmsException">The state is there and cannot be used.</exception>
    public static bool TryOpen(DaemonOptions options, [NotNullWhen(true)] out AuditNode? node, [NotNullWhen(false)] out string? why)
    {
        node = null;
        string directory = Path.Join(options.StateDirectory, AuditState.Purpose);
        if (!Directory.Exists(directory))
        {
            why = $"there is no {directory}, or it is closed to this user";
            return false;
        }

        NodeMasterKey masterKey = NodeMasterKey.Read(StateDirectory.MasterKeyFileOf(options) ?? Path.Join(options.StateDirectory, NodeMasterKey.FileName));
        why = null;
        node = new AuditNode(masterKey, masterKey.Seal(new DurableDirectory(directory, new SystemFileSteps()), AuditState.Purpose));
        return true;
    }

    /// <summary>Has heads checked with the node's key.</summary>
    /// <returns>How far the log was when it was last signed; null for not yet.</returns>
    public AuditPosition? AddTo(AuditKeys keys)
    {
        using AuditSigner signer = AuditSigner.Load(_state);
        keys.Add(signer.PublicKeyPem, _state.PathOf("signing-key"));
        return new AuditState(_state).FindHead();
    }

    public string HashContext(ReadOnlySpan<byte> canonical)
    {
        Span<byte> hash = stackalloc byte[AuditChain.ContextHashBytes];
        using SecretBytes key = _masterKey.DeriveKey(AuditLog.ContextPurpose);
        using IncrementalHash hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key.Span);
        AuditChain.HashContext(hmac, canonical, hash);
        return Convert.ToHexStringLower(hash);
    }

    public void Dispose() => _masterKey.Dispose();
}
