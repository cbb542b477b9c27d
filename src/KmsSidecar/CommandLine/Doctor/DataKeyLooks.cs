using System.Runtime.InteropServices;
using System.Security.Cryptography;
using KmsSidecar.Auth;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.Hosting;
using KmsSidecar.Options;
using KmsSidecar.Storage;

namespace KmsSidecar.CommandLine.Doctor;

/// <summary>A data key there and back through every door, as RustFS would ask for it. The keys are used for nothing.</summary>
internal sealed class DataKeyLooks(Findings findings, DaemonOptions options, Doors doors)
{
    public async Task RunAsync()
    {
        findings.Begin("data keys");
        await LookAsync("native, data socket", DataKeyForm.Native, () => Doors.OpenSocket(options.Socket));
        await LookAsync("AWS form, data socket", DataKeyForm.Aws, () => Doors.OpenSocket(options.Socket));
        if (options.AdminSocket is { } admin)
        {
            await LookAsync("admin socket", DataKeyForm.Admin, () => Doors.OpenSocket(admin));
        }

        foreach (ListenAddress address in options.Listen.Where(static address => address.EndPoint.Port > 0))
        {
            await LookAsync($"AWS form, {address.EndPoint}", DataKeyForm.Aws, () => OpenSigned(address));
        }
    }

    private Task LookAsync(string name, DataKeyForm form, Func<DaemonClient?> open) => findings.LookAsync(name, async cancellation =>
    {
        using DaemonClient? daemon = open();
        if (daemon is null)
        {
            return Finding.Skipped(
                name, "there are no root credentials to sign with", "name them with --credentials-file, or set RUSTFS_ACCESS_KEY and RUSTFS_SECRET_KEY");
        }

        try
        {
            return await ThereAndBackAsync(name, form, daemon, cancellation);
        }
        catch (CommandFault closed) when (closed.ExitCode == ExitCode.NoPermission && Path.IsPathRooted(daemon.Where))
        {
            string user = new LocalAccounts().NameOfUser(Posix.EffectiveUserId());
            return Finding.Warning(name, $"the user {user} may not ask for data keys on {daemon.Where}", "run this as RustFS's user, or as root where root may");
        }
    });

    /// <summary>Null without credentials.</summary>
    private DaemonClient? OpenSigned(ListenAddress address) => RootCredentialLoader.Load(options.CredentialsFile) is RootCredentials credentials
        ? doors.OpenAddress(address, new RequestSigner(credentials, options.OwnRegion, TimeProvider.System))
        : null;

    private static async Task<Finding?> ThereAndBackAsync(string name, DataKeyForm form, DaemonClient daemon, CancellationToken cancellation)
    {
        DaemonAnswer made = await AskAsync(form, daemon, form.Generate, form.GenerateBody(), cancellation);
        byte[] key = DataKeyForm.Bytes(made, form.Plaintext);
        byte[] blob = DataKeyForm.Bytes(made, form.Blob);
        Wipe(made);
        byte[] opened = [];
        try
        {
            if (form == DataKeyForm.Admin)
            {
                return Judge(name, "was made", key.Length == DataKeyForm.KeyBytes);
            }

            DaemonAnswer back = await AskAsync(form, daemon, form.Decrypt, form.DecryptBody(blob), cancellation);
            opened = DataKeyForm.Bytes(back, form.Plaintext);
            Wipe(back);
            return Judge(name, "was made, and opened to the same bytes", key.Length == DataKeyForm.KeyBytes && CryptographicOperations.FixedTimeEquals(key, opened));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
            CryptographicOperations.ZeroMemory(opened);
        }
    }

    private static async Task<DaemonAnswer> AskAsync(
        DataKeyForm form, DaemonClient daemon, string operation, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        DaemonAnswer answer = await form.AskAsync(daemon, operation, body, cancellation);
        return answer.IsSuccess ? answer : throw Refusal.Of(answer, daemon.Where);
    }

    private static Finding Judge(string name, string sentence, bool isGood) => isGood
        ? Finding.Ok(name, $"a data key {sentence}")
        : Finding.Fault(name, "a data key did not come back as it was made", "store no objects with this daemon before that is understood", ExitCode.Refused);

    /// <summary>It has the key in it, too.</summary>
    private static void Wipe(DaemonAnswer answer) => CryptographicOperations.ZeroMemory(MemoryMarshal.AsMemory(answer.Body).Span);
}
