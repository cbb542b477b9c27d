using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Hosting;
using KmsSidecar.Options;
using KmsSidecar.Sealing;
using KmsSidecar.Storage;
using KmsSidecar.Tls;

namespace KmsSidecar.CommandLine;

/// <summary><c>check</c>: what <c>serve</c> would need, looked at in the order in which it does, as the user who asks. Starts and changes nothing.</summary>
internal sealed class StartCheck
{
    private readonly DaemonOptions _options;
    private readonly TimeProvider _clock = TimeProvider.System;
    private int _exitCode = ExitCode.Ok;
    private int? _daemon;

    private StartCheck(DaemonOptions options) => _options = options;

    /// <returns>The exit code: that of the first fault.</returns>
    public static int Run(DaemonOptions options)
    {
        if (!options.Development)
        {
            return new StartCheck(options).Run();
        }

        try
        {
            using DevelopmentSandbox sandbox = new(options);
            return new StartCheck(sandbox.Options).Run();
        }
        catch (KmsException fault)
        {
            return Failure.Report(fault);
        }
    }

    private int Run()
    {
        Look(CheckClock);
        Look(CheckAccounts);
        Look(CheckRustFs);
        Look(CheckCertificate);
        Look(CheckState);
        Look(CheckMasterKey);
        Look(CheckStaticKey);
        foreach (string path in _options.SocketPaths)
        {
            Look(() => CheckSocket(path));
        }

        foreach (ListenAddress address in _options.Listen)
        {
            Look(() => CheckAddress(address));
        }

        foreach (AeadEngine engine in ((AeadEngine?[])[AeadEngine.Hardware, AeadEngine.Framework]).OfType<AeadEngine>())
        {
            Look(() => CheckCiphers(engine));
        }

        if (_exitCode == ExitCode.Ok)
        {
            Console.Out.WriteLine("the settings are good");
        }

        return _exitCode;
    }

    private void Look(Func<string?> check)
    {
        try
        {
            if (check() is { } good)
            {
                Console.Out.WriteLine($"good: {good}");
            }
        }
        catch (KmsException fault)
        {
            Note(fault.Message, ExitCode.Of(fault));
        }
        catch (ListenException refused)
        {
            Note(refused.Message, ExitCode.Of(refused.Cause, ExitCode.Address));
        }
    }

    private void Note(string fault, int exitCode)
    {
        Failure.Write(fault);
        _exitCode = _exitCode == ExitCode.Ok ? exitCode : _exitCode;
    }

    private string? CheckClock()
    {
        ClockGuard.Require(_clock.GetUtcNow());
        return null;
    }

    private string? CheckAccounts()
    {
        AccountFiles.Check(_options);
        string?[] files = [_options.CredentialsFile, _options.UsersFile];
        return files.Any(static file => file is not null) ? string.Join(" and ", files.OfType<string>()) : null;
    }

    private string? CheckRustFs()
    {
        RustFsFactory.Open(_options, _clock)?.Dispose();
        return _options.RustFs is { } rustFs ? $"what RustFS at {rustFs.Endpoint} is asked with" : null;
    }

    private string? CheckCertificate()
    {
        if (ServerTls.FilesOf(_options) is not { } files)
        {
            return null;
        }

        ServerCertificate certificate = ServerCertificate.Load(files);
        return certificate.FindFault(files.Certificate, _clock.GetUtcNow()) is { } fault
            ? throw new KmsException(KmsError.InvalidConfiguration, fault)
            : $"certificate {files.Certificate}, until {certificate.NotAfter.UtcDateTime:yyyy-MM-dd}";
    }

    private string CheckState()
    {
        DurableDirectory state = new(_options.StateDirectory, new SystemFileSteps());
        if (state.FindFault() is { } fault)
        {
            throw fault;
        }

        _daemon = DirectoryLocks.FindHolder(state.FullPath);
        return _daemon is { } process ? $"state directory {state.FullPath}, which the running daemon has (process {process})"
            : Directory.Exists(state.FullPath) ? $"state directory {state.FullPath}"
            : $"state directory {state.FullPath}, which will be made";
    }

    private string? CheckMasterKey()
    {
        DurableDirectory state = new(_options.StateDirectory, new SystemFileSteps());
        string? file = StateDirectory.MasterKeyFileOf(_options);
        if (file is null && state.FindFault() is not null)
        {
            return null;
        }

        return NodeMasterKey.Check(state, file) ? $"master key {file ?? Path.Join(state.FullPath, NodeMasterKey.FileName)}" : "master key: will be generated";
    }

    private string? CheckStaticKey()
    {
        if (_options.StaticKeyFile is not { } file)
        {
            return null;
        }

        BackendFactory.ReadStaticKey(file).Dispose();
        return $"static key {file}";
    }

    private string CheckSocket(string path)
    {
        if (ListeningSockets.Has(path))
        {
            return Held(path) ?? throw SocketClaim.InUse($"{path} is in use: another process listens on it");
        }

        _ = SocketClaim.IsTaken(path);
        return new DurableDirectory(Path.GetDirectoryName(path)!, new SystemFileSteps()).FindFault() is { } fault ? throw fault : $"socket {path}";
    }

    private string CheckAddress(ListenAddress address)
    {
        try
        {
            // Bound, and never listened on: nobody can connect to it.
            ListenSockets.Bind(address.EndPoint, _options).Dispose();
            return $"address {address.EndPoint}";
        }
        catch (ListenException taken) when (taken.Cause == FaultCause.Address && Held(address.EndPoint.ToString()) is { } good)
        {
            return good;
        }
    }

    private static string CheckCiphers(AeadEngine engine) => KnownAnswer.Holds(engine)
        ? $"ciphers of {engine.Name}"
        : throw new KmsException(
            KmsError.Internal, FaultCause.Damaged, $"the ciphers of {engine.Name} do not give the bytes they must; do not use this machine, or install libssl3");

    /// <summary>Null when it is not this service that has an address or a socket.</summary>
    private string? Held(string what) => _daemon is not null ? $"{what}, which the running daemon has"
        : new SocketUnit().Has(what) ? $"{what}, which systemd has for kms-sidecar.socket"
        : null;
}
