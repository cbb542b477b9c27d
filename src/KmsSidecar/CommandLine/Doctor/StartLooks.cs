using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Hosting;
using KmsSidecar.Options;
using KmsSidecar.Sealing;
using KmsSidecar.Storage;
using KmsSidecar.Tls;

namespace KmsSidecar.CommandLine.Doctor;

/// <summary>What <c>serve</c> would need, looked at in the order in which it does, as the user who asks. Starts and changes nothing.</summary>
internal sealed class StartLooks(DaemonOptions options, Findings findings)
{
    private const string Socket = "socket";
    private const string Address = "address";
    private const string Audit = "audit log";

    private readonly TimeProvider _clock = TimeProvider.System;

    /// <summary>The process that has the state directory; null when there is none, or it cannot be seen.</summary>
    public int? Daemon { get; private set; }

    public async Task RunAsync()
    {
        findings.Begin("start");
        await findings.LookAsync("clock", LookAtClock);
        await findings.LookAsync("accounts", LookAtAccounts);
        await findings.LookAsync("rustfs settings", LookAtRustFs);
        await findings.LookAsync("certificate", LookAtCertificate);
        await findings.LookAsync("state directory", LookAtState);
        await findings.LookAsync("master key", LookAtMasterKey);
        await findings.LookAsync(Audit, LookAtAudit);
        await findings.LookAsync("static key", LookAtStaticKey);
        foreach (string path in options.SocketPaths)
        {
            await findings.LookAsync(Socket, () => LookAtSocket(path));
        }

        foreach (ListenAddress address in options.Listen)
        {
            await findings.LookAsync(Address, () => LookAtAddress(address));
        }

        foreach (AeadEngine engine in ((AeadEngine?[])[AeadEngine.Hardware, AeadEngine.Framework]).OfType<AeadEngine>())
        {
            await findings.LookAsync("ciphers", () => LookAtCiphers(engine));
        }
    }

    private Finding LookAtClock()
    {
        DateTimeOffset now = _clock.GetUtcNow();
        ClockGuard.Require(now);
        return Finding.Ok("clock", $"clock, {now.UtcDateTime:yyyy-MM-dd HH:mm} UTC");
    }

    private Finding? LookAtAccounts()
    {
        AccountFiles.Check(options);
        string?[] files = [options.CredentialsFile, options.UsersFile];
        return files.Any(static file => file is not null) ? Finding.Ok("accounts", string.Join(" and ", files.OfType<string>())) : null;
    }

    private Finding? LookAtRustFs()
    {
        RustFsFactory.Open(options, _clock)?.Dispose();
        return options.RustFs is { } rustFs ? Finding.Ok("rustfs settings", $"what RustFS at {rustFs.Endpoint} is asked with") : null;
    }

    private Finding? LookAtCertificate()
    {
        const string Name = "certificate";
        if (ServerTls.FilesOf(options) is not { } files)
        {
            return null;
        }

        ServerCertificate certificate = ServerCertificate.Load(files);
        return certificate.FindFault(files.Certificate, _clock.GetUtcNow()) is { } fault
            ? Finding.FaultOf(Name, fault, ExitCode.Configuration)
            : Finding.Ok(Name, $"certificate {files.Certificate}, until {certificate.NotAfter.UtcDateTime:yyyy-MM-dd}");
    }

    private Finding LookAtState()
    {
        DurableDirectory state = new(options.StateDirectory, new SystemFileSteps());
        if (state.FindFault() is { } fault)
        {
            throw fault;
        }

        Daemon = DirectoryLocks.FindHolder(state.FullPath);
        string held = Daemon is { } process ? $", which the running daemon has (process {process})"
            : Directory.Exists(state.FullPath) ? ""
            : ", which will be made";
        return Finding.Ok("state directory", $"state directory {state.FullPath}{held}");
    }

    private Finding? LookAtMasterKey()
    {
        DurableDirectory state = new(options.StateDirectory, new SystemFileSteps());
        string? file = StateDirectory.MasterKeyFileOf(options);
        if (file is null && state.FindFault() is not null)
        {
            return null;
        }

        string place = file ?? Path.Join(state.FullPath, NodeMasterKey.FileName);
        return Finding.Ok("master key", NodeMasterKey.Check(state, file) ? $"master key {place}" : "master key: will be generated");
    }

    /// <summary>One in the state directory is as good as that.</summary>
    private Finding? LookAtAudit() => options.Audit?.Directory is not { } directory ? null
        : new DurableDirectory(directory, new SystemFileSteps()).FindFault() is { } fault ? throw fault
        : Finding.Ok(Audit, $"audit log {directory}");

    private Finding? LookAtStaticKey()
    {
        if (options.StaticKeyFile is not { } file)
        {
            return null;
        }

        BackendFactory.ReadStaticKey(file).Dispose();
        return Finding.Ok("static key", $"static key {file}");
    }

    private Finding LookAtSocket(string path)
    {
        if (ListeningSockets.Has(path))
        {
            return Held(Socket, path) ?? throw SocketClaim.InUse($"{path} is in use: another process listens on it");
        }

        _ = SocketClaim.IsTaken(path);
        return new DurableDirectory(Path.GetDirectoryName(path)!, new SystemFileSteps()).FindFault() is { } fault ? throw fault : Finding.Ok(Socket, $"socket {path}");
    }

    private Finding LookAtAddress(ListenAddress address)
    {
        try
        {
            // Bound, and never listened on: nobody can connect to it.
            ListenSockets.Bind(address.EndPoint, options).Dispose();
            return Finding.Ok(Address, $"address {address.EndPoint}");
        }
        catch (ListenException taken) when (taken.Cause == FaultCause.Address && Held(Address, address.EndPoint.ToString()) is { } good)
        {
            return good;
        }
    }

    private static Finding LookAtCiphers(AeadEngine engine) => KnownAnswer.Holds(engine)
        ? Finding.Ok("ciphers", $"ciphers of {engine.Name}")
        : Finding.Fault(
            "ciphers",
            $"the ciphers of {engine.Name} do not give the bytes they must",
            "do not use this machine, or install libssl3",
            ExitCode.Refused);

    /// <summary>Null when it is not this service that has an address or a socket.</summary>
    private Finding? Held(string name, string what) => Daemon is not null ? Finding.Ok(name, $"{what}, which the running daemon has")
        : new SocketUnit().Has(what) ? Finding.Ok(name, $"{what}, which systemd has for kms-sidecar.socket")
        : findings.IsOutsider ? Finding.Skipped(name, $"{what} is in use, and by whom cannot be seen", Findings.AsRoot)
        : null;
}
