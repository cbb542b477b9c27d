using System.Text;
using KmsSidecar.Access.Sessions;
using KmsSidecar.Access.Users;
using KmsSidecar.Auth;
using KmsSidecar.Sealing;
using KmsSidecar.Storage;
using KmsSidecar.Tests.Auth;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace KmsSidecar.Tests.Access;

/// <summary>Root, users and sessions on a directory of their own, with a clock that stands at the time of the golden vectors.</summary>
internal sealed class People : IDisposable
{
    private readonly NodeMasterKey _masterKey;

    public People(string directory, IFileSteps? steps = null, ILogger? log = null, AccountSet? file = null)
    {
        DurableDirectory state = new(directory, steps ?? new SystemFileSteps());
        _masterKey = NodeMasterKey.ReadOrGenerate(state, out _);
        Keys = new SessionKeys(_masterKey);
        log ??= Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;
        UserStore store = new(_masterKey.Seal(state, "users"), log);
        RootCredentials root = Harness.Root();
        Accounts = new Accounts(root, UserAdministration.Combine(root, file ?? AccountSet.Empty, store.Load()), Keys, Clock);
        Administration = new UserAdministration(Accounts, store, log);
        Issuer = new SessionIssuer(Accounts, Keys, Clock, log);
        Verifier = Harness.Verifier(credentials: Accounts, clock: Clock);
        Accounts.Changed += () => Verifier.UseCredentials(Accounts);
    }

    public FakeTimeProvider Clock { get; } = Harness.ClockAt(Harness.DateTime);

    public SessionKeys Keys { get; }

    public Accounts Accounts { get; }

    public UserAdministration Administration { get; }

    public SessionIssuer Issuer { get; }

    public SigV4Verifier Verifier { get; }

    public static SecretKey Secret(string text) => new(Encoding.UTF8.GetBytes(text));

    public UserAccount Add(string accessKey, string secret, bool isEnabled = true, params string[] policies) =>
        Administration.Create(accessKey, Secret(secret), isEnabled, [.. policies], "test", "here");

    public UserAccount Change(string accessKey, string? secret = null, bool? isEnabled = null, string[]? policies = null) =>
        Administration.Update(accessKey, secret is null ? null : Secret(secret), isEnabled, policies is null ? null : [.. policies], "test", "here");

    public Verdict Ask(string accessKey, string secret, string? token = null) => Verifier.Judge(Sign(accessKey, secret, token));

    public RequestHead Sign(string accessKey, string secret, string? token)
    {
        ClientRequest client = new()
        {
            AccessKey = accessKey,
            SecretKey = secret,
            DateTime = Clock.GetUtcNow().ToString("yyyyMMdd'T'HHmmss'Z'", System.Globalization.CultureInfo.InvariantCulture),
        };
        if (token is not null)
        {
            client.ExtraSigned.Add(("x-amz-security-token", token));
        }

        return client.Sign();
    }

    /// <summary>A session of somebody who has just signed.</summary>
    public (string AccessKey, string Secret, string Token) Assume(Principal caller, int seconds = 3600, string policy = "")
    {
        SessionClaims claims = Issuer.Issue(caller, TimeSpan.FromSeconds(seconds), Encoding.UTF8.GetBytes(policy), "here");
        byte[] secret = new byte[SessionKeys.SecretChars];
        Keys.WriteSecret(claims.AccessKey, secret);
        return (claims.AccessKey, Encoding.ASCII.GetString(secret), Keys.Seal(claims));
    }

    public void Dispose()
    {
        Accounts.Dispose();
        Keys.Dispose();
        _masterKey.Dispose();
    }
}
