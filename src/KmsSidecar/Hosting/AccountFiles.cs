using KmsSidecar.Access.Users;
using KmsSidecar.Auth;
using KmsSidecar.Errors;
using KmsSidecar.Options;

namespace KmsSidecar.Hosting;

/// <summary>Reads what the operator says about who may come in: the root credentials and the users file.</summary>
internal static class AccountFiles
{
    /// <returns>Both are the caller's to wipe.</returns>
    /// <exception cref="KmsException">One of them cannot be used, or they contradict each other.</exception>
    public static (ICredentialSource Root, AccountSet Users) Read(DaemonOptions options)
    {
        ICredentialSource root = RootCredentialLoader.Load(options.CredentialsFile);
        AccountSet users = AccountSet.Empty;
        try
        {
            users = options.UsersFile is { } file ? UsersFile.Read(file) : users;
            _ = UserAdministration.Combine(root, users, AccountSet.Empty);
            return (root, users);
        }
        catch
        {
            Wipe(root, users);
            throw;
        }
    }

    /// <summary>Reads both as <see cref="Read"/> does, and keeps neither.</summary>
    /// <exception cref="KmsException">As there.</exception>
    public static void Check(DaemonOptions options)
    {
        (ICredentialSource root, AccountSet users) = Read(options);
        Wipe(root, users);
    }

    private static void Wipe(ICredentialSource root, AccountSet users)
    {
        (root as IDisposable)?.Dispose();
        foreach (UserAccount user in users.Users.Values)
        {
            user.Secret.Dispose();
        }
    }
}
