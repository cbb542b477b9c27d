using System.Collections.Immutable;
using KmsSidecar.Auth;

namespace KmsSidecar.Access.Users;

/// <summary>A named user: a permanent key pair, and the policies that say what it is good for. Immutable.</summary>
/// <remarks>Not a record: its text must not hold the secret.</remarks>
internal sealed class UserAccount(string accessKey, SecretKey secret, bool isEnabled, ImmutableArray<string> policies, bool isFromFile)
{
    /// <summary>How many policies a user may have attached.</summary>
    public const int MaxPolicies = 32;

    public const string Enabled = "enabled";

    public const string Disabled = "disabled";

    public string AccessKey { get; } = accessKey;

    /// <summary>Wiped by <see cref="Accounts"/> once no user has it any more.</summary>
    public SecretKey Secret { get; } = secret;

    public bool IsEnabled { get; } = isEnabled;

    /// <summary>Names of policies.</summary>
    public ImmutableArray<string> Policies { get; } = policies;

    /// <summary>From the users file, and so not to be changed in any other way.</summary>
    public bool IsFromFile { get; } = isFromFile;

    public Principal Principal { get; } = new(accessKey, IsOwner: false);

    public string Status => IsEnabled ? Enabled : Disabled;

    public UserAccount With(SecretKey? secret, bool? isEnabled, ImmutableArray<string>? policies) =>
        new(AccessKey, secret ?? Secret, isEnabled ?? IsEnabled, policies ?? Policies, IsFromFile);

    /// <summary>Says why a policy cannot have this name; null when it can.</summary>
    public static string? FindPolicyNameFault(string name)
    {
        bool isUsable = name.Length is >= 1 and <= AccessKeyRules.MaxChars && name[0] != '.'
            && name.All(static character => char.IsAsciiLetterOrDigit(character) || character is '.' or '_' or '-');
        return isUsable ? null : "a policy's name is 1 to 128 of A-Z a-z 0-9 . _ - and not a dot first";
    }
}
