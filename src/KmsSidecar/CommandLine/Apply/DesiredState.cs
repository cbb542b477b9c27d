using System.Collections.Immutable;
using KmsSidecar.Crypto;

namespace KmsSidecar.CommandLine.Apply;

/// <summary>What a file asks the daemon to be. What it does not name is left as it is.</summary>
/// <remarks>Owns the secrets in it, and wipes them on <see cref="Dispose"/>.</remarks>
internal sealed class DesiredState : IDisposable
{
    public const string Running = "Running";

    public const string Configured = "Configured";

    /// <summary>Null to leave it as it is.</summary>
    public DesiredConfiguration? Configuration { get; init; }

    /// <summary><see cref="Running"/> or <see cref="Configured"/>; null to leave it as it is.</summary>
    public string? State { get; init; }

    public ImmutableArray<DesiredKey> Keys { get; init; } = [];

    public ImmutableArray<DesiredPolicy> Policies { get; init; } = [];

    public ImmutableArray<DesiredUser> Users { get; init; } = [];

    /// <summary>The key that is to be the default one, when the file describes it; else null.</summary>
    public DesiredKey? DefaultKey => Keys.FirstOrDefault(key => key.Id == Configuration?.DefaultKeyId);

    public void Dispose()
    {
        Configuration?.Dispose();
        foreach (DesiredUser user in Users)
        {
            user.Secret?.Dispose();
        }
    }
}

/// <param name="Description">Null to leave it as it is.</param>
/// <param name="Tags">Those that the key must have; it may have others.</param>
/// <param name="State">Enabled or Disabled; null to leave it as it is.</param>
internal sealed record DesiredKey(string Id, string? Description, ImmutableSortedDictionary<string, string> Tags, string? State);

/// <param name="Document">In its longest form, as the daemon answers it.</param>
internal sealed record DesiredPolicy(string Name, string Document);

/// <param name="Status">enabled or disabled; null to leave it as it is.</param>
/// <param name="Policies">Null to leave them as they are.</param>
/// <param name="Secret">Null where the file names none.</param>
internal sealed record DesiredUser(string AccessKey, string? Status, ImmutableArray<string>? Policies, SecretBuffer? Secret);
