using System.Collections.Immutable;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using Xunit;

namespace KmsSidecar.Tests.Keys;

/// <summary>The table of states and operations, each cell by name: RustFS's matrix, with our rule for a cancelled deletion.</summary>
public sealed class KeyRulesTests
{
    private static readonly DateTimeOffset Due = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("Enabled", "wrap", "None", "Enabled")]
    [InlineData("Enabled", "rotate", "None", "Enabled")]
    [InlineData("Enabled", "enable", "None", "Enabled")]
    [InlineData("Enabled", "disable", "None", "Disabled")]
    [InlineData("Enabled", "schedule", "None", "PendingDeletion")]
    [InlineData("Enabled", "cancel", "KeyNotPendingDeletion", "Enabled")]
    [InlineData("Enabled", "describe", "None", "Enabled")]
    [InlineData("Disabled", "wrap", "KeyDisabled", "Disabled")]
    [InlineData("Disabled", "rotate", "KeyDisabled", "Disabled")]
    [InlineData("Disabled", "enable", "None", "Enabled")]
    [InlineData("Disabled", "disable", "None", "Disabled")]
    [InlineData("Disabled", "schedule", "None", "PendingDeletion")]
    [InlineData("Disabled", "cancel", "KeyNotPendingDeletion", "Disabled")]
    [InlineData("Disabled", "describe", "None", "Disabled")]
    [InlineData("PendingDeletion", "wrap", "KeyPendingDeletion", "PendingDeletion")]
    [InlineData("PendingDeletion", "rotate", "KeyPendingDeletion", "PendingDeletion")]
    [InlineData("PendingDeletion", "enable", "KeyPendingDeletion", "PendingDeletion")]
    [InlineData("PendingDeletion", "disable", "KeyPendingDeletion", "PendingDeletion")]
    [InlineData("PendingDeletion", "schedule", "KeyPendingDeletion", "PendingDeletion")]
    [InlineData("PendingDeletion", "cancel", "None", "Enabled")]
    [InlineData("PendingDeletion", "describe", "None", "PendingDeletion")]
    [InlineData("Unavailable", "wrap", "KeyNotFound", "Unavailable")]
    [InlineData("Unavailable", "rotate", "KeyNotFound", "Unavailable")]
    [InlineData("Unavailable", "enable", "KeyNotFound", "Unavailable")]
    [InlineData("Unavailable", "disable", "KeyNotFound", "Unavailable")]
    [InlineData("Unavailable", "schedule", "KeyNotFound", "Unavailable")]
    [InlineData("Unavailable", "cancel", "KeyNotFound", "Unavailable")]
    [InlineData("Unavailable", "describe", "KeyNotFound", "Unavailable")]
    public void Cell(string state, string operation, string error, string becomes)
    {
        KeyDescription key = Key(Enum.Parse<KeyState>(state));
        (KmsError refusal, KeyDescription after) = Do(key, operation);

        Assert.Equal(Enum.Parse<KmsError>(error), refusal);
        Assert.Equal(Enum.Parse<KeyState>(becomes), after.State);
    }

    [Theory]
    [InlineData(nameof(KeyState.Enabled))]
    [InlineData(nameof(KeyState.Disabled))]
    public void CancelledDeletion_ReturnsToTheStateBefore(string before)
    {
        KeyDescription key = Key(Enum.Parse<KeyState>(before));
        KeyDescription pending = KeyRules.Apply(key, new KeyChange.ScheduleDeletion(Due));
        Assert.Equal("2026-03-01T00:00:00+00:00[UTC]", pending.DeletionDate);
        Assert.Equal(key, KeyRules.Apply(pending, new KeyChange.CancelDeletion()));
    }

    [Fact]
    public void WhatChangesNothing_ReturnsTheSameObject()
    {
        KeyDescription key = Key(KeyState.Enabled) with { Description = "d", Tags = Tags.Named("k").Add("a", "1") };

        Assert.Same(key, KeyRules.Apply(key, new KeyChange.Enable()));
        Assert.Same(key, KeyRules.Apply(key, new KeyChange.Describe("d")));
        Assert.Same(key, KeyRules.Apply(key, new KeyChange.Tag(Tags.None.Add("a", "1"))));
        Assert.Same(key, KeyRules.Apply(key, new KeyChange.Untag(["b"])));
    }

    [Fact]
    public void DescriptionAndTags_AreReplacedAndTakenAway()
    {
        KeyDescription key = Key(KeyState.PendingDeletion) with { Description = "d", Tags = Tags.Named("k").Add("a", "1") };

        Assert.Null(KeyRules.Apply(key, new KeyChange.Describe("")).Description);
        Assert.Equal(["a=2", "b=3", "name=k"], Pairs(KeyRules.Apply(key, new KeyChange.Tag(Tags.None.Add("a", "2").Add("b", "3")))));
        Assert.Equal(["name=k"], Pairs(KeyRules.Apply(key, new KeyChange.Untag(["a", "b"]))));
    }

    [Fact]
    public void TheNameTag_AndTooManyTags_AreRefused()
    {
        KeyDescription key = Key(KeyState.Enabled) with { Tags = Tags.Named("k") };
        ImmutableSortedDictionary<string, string> many = Tags.None.SetItems(
            Enumerable.Range(0, KeyRules.MaxTags).Select(static i => KeyValuePair.Create($"t{i}", "")));

        foreach (KeyChange change in (KeyChange[])[new KeyChange.Tag(Tags.Named("k")), new KeyChange.Untag([Tags.Name]), new KeyChange.Tag(many)])
        {
            Assert.Equal(KmsError.MalformedRequest, Assert.Throws<KmsException>(() => KeyRules.Apply(key, change)).Error);
        }
    }

    private static (KmsError Error, KeyDescription After) Do(KeyDescription key, string operation)
    {
        try
        {
            switch (operation)
            {
                case "wrap":
                    return (KeyRules.WhyNotWrapping(key.State), key);
                case "rotate":
                    KeyRules.RequireRotatable(key);
                    return (KmsError.None, key);
                default:
                    return (KmsError.None, KeyRules.Apply(key, Change(operation)));
            }
        }
        catch (KmsException refused)
        {
            return (refused.Error, key);
        }
    }

    private static KeyChange Change(string operation) => operation switch
    {
        "enable" => new KeyChange.Enable(),
        "disable" => new KeyChange.Disable(),
        "schedule" => new KeyChange.ScheduleDeletion(Due),
        "cancel" => new KeyChange.CancelDeletion(),
        _ => new KeyChange.Describe("other"),
    };

    private static string[] Pairs(KeyDescription key) => [.. key.Tags.Select(static tag => $"{tag.Key}={tag.Value}")];

    private static KeyDescription Key(KeyState state) => new()
    {
        KeyId = "k",
        State = state,
        Version = 1,
        CreatedAt = "2026-01-01T00:00:00+00:00[UTC]",
        Origin = "KMS",
        Manager = "CUSTOMER",
    };
}
