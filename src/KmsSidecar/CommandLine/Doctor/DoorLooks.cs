using System.Security.Cryptography.X509Certificates;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.Options;
using KmsSidecar.Storage;
using KmsSidecar.Tls;

namespace KmsSidecar.CommandLine.Doctor;

/// <summary>Whether the sockets and addresses are there and answer, and whether TLS is what the files say.</summary>
internal sealed class DoorLooks(Findings findings, DaemonOptions options, Doors doors)
{
    /// <summary>A certificate that the daemon renews itself has more than a week left.</summary>
    private static readonly TimeSpan Notice = TimeSpan.FromDays(7);

    private readonly LocalAccounts _accounts = new();

    public async Task RunAsync()
    {
        findings.Begin("doors");
        await findings.LookAsync("data socket", cancellation => LookAtSocketAsync("data socket", options.Socket, HttpMethod.Post, "/v1/livez", cancellation));
        if (options.AdminSocket is { } admin)
        {
            await findings.LookAsync("admin socket", cancellation => LookAtSocketAsync("admin socket", admin, HttpMethod.Get, "/livez", cancellation));
        }

        foreach (ListenAddress address in options.Listen.Where(static address => address.EndPoint.Port > 0))
        {
            string name = $"{(address.IsTls ? "tls" : "http")} {address.EndPoint}";
            await findings.LookAsync(name, cancellation => LookAtAddressAsync(name, address, cancellation));
        }
    }

    private async Task<Finding?> LookAtSocketAsync(string name, string path, HttpMethod method, string probe, CancellationToken cancellation)
    {
        if (!Path.Exists(path))
        {
            return Finding.Fault(
                name, $"there is no socket {path}", "start the daemon (systemctl start kms-sidecar), or give the settings that it was started with", ExitCode.Unavailable);
        }

        FileStatus file = Posix.Status(path);
        string mode = Convert.ToString((int)file.Permissions, 8);
        string owner = $"{path}, of {_accounts.NameOfUser(file.UserId)}:{_accounts.NameOfGroup(file.GroupId)}, mode {mode}";
        try
        {
            using DaemonClient daemon = Doors.OpenSocket(path);
            DaemonAnswer answer = await daemon.AskAsync(method, probe, default, cancellation);
            return answer.IsSuccess ? Finding.Ok(name, $"{owner}, answers") : throw Refusal.Of(answer, path);
        }
        catch (CommandFault closed) when (closed.ExitCode == ExitCode.NoPermission)
        {
            return NotAllowed(name, owner, file);
        }
    }

    private Finding NotAllowed(string name, string owner, FileStatus file)
    {
        uint user = Posix.EffectiveUserId();
        string mend = name == "admin socket"
            ? "run this as root, or give the daemon an --admin-group that this user is in"
            : $"run this as a user who may, or add the user to the group {_accounts.NameOfGroup(file.GroupId)}, or allow_uid = {user} to the daemon's settings";
        return Finding.Warning(name, $"{owner}: the user {_accounts.NameOfUser(user)} may not use it", mend);
    }

    private async Task<Finding?> LookAtAddressAsync(string name, ListenAddress address, CancellationToken cancellation)
    {
        byte[] shown = [];
        using DaemonClient daemon = doors.OpenAddress(address, signer: null, certificate => shown = certificate);
        DaemonAnswer answer = await daemon.AskAsync(HttpMethod.Get, "/livez", default, cancellation);
        if (!answer.IsSuccess)
        {
            throw Refusal.Of(answer, daemon.Where);
        }

        return address.IsTls ? JudgeCertificate(name, daemon.Where, shown) : Finding.Ok(name, $"{daemon.Where} answers");
    }

    private Finding JudgeCertificate(string name, string url, byte[] shown)
    {
        X509Certificate2Collection chain = ServerCertificate.ReadChain(options.TlsCertificate!);
        if (!chain[0].RawDataMemory.Span.SequenceEqual(shown))
        {
            return Finding.Warning(
                name,
                $"{url} shows another certificate than {options.TlsCertificate} has: the daemon has not taken the new one",
                "systemctl reload kms-sidecar, and look into its log");
        }

        TimeSpan left = chain[0].NotAfter.ToUniversalTime() - TimeProvider.System.GetUtcNow().UtcDateTime;
        string sentence = $"{url} answers, with a certificate that {doors.AuthorityFile ?? "the system's authorities"} vouches for";
        return left < Notice
            ? Finding.Warning(name, $"{sentence} and that ends in {left.TotalDays:0} days", "renew it, or make another with: kms-sidecar tls init --force")
            : Finding.Ok(name, sentence);
    }
}
