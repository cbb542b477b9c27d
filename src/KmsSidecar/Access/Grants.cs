using System.Collections.Immutable;
using KmsSidecar.Access.Policies;

namespace KmsSidecar.Access;

/// <summary>What a caller has been given.</summary>
internal sealed record Grants
{
    /// <summary>No rights at all: somebody who is gone, or has no policies.</summary>
    public static readonly Grants None = new();

    public static readonly Grants Owner = new() { IsOwner = true };

    /// <summary>Every action, whatever <see cref="Policies"/> say; those of a session policy are still required.</summary>
    public bool IsOwner { get; init; }

    public ImmutableArray<NamedPolicy> Policies { get; init; } = [];

    /// <summary>Must allow as well, for a session that was asked to be less than its user; null for none.</summary>
    public PolicyDocument? SessionPolicy { get; init; }
}

/// <summary>A policy under the name that people give it.</summary>
internal sealed record NamedPolicy(string Name, PolicyDocument Document);
