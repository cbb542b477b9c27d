using System.Collections.Immutable;
using KmsSidecar.Errors;

namespace KmsSidecar.Keys;

/// <summary>Which operation a key's state admits, and what it makes of the key: one table for every backend.</summary>
/// <remarks>RustFS's rules (a disabled or pending key still opens what it wrapped), but for a cancelled deletion, which returns the key to
/// the state it had.</remarks>
internal static class KeyRules
{
    public const int MaxTags = 50;

    /// <summary>Why no data key may be wrapped; None when it may. The same holds for rotation.</summary>
    public static KmsError WhyNotWrapping(KeyState state) => state switch
    {
        KeyState.Enabled => KmsError.None,
        KeyState.Disabled => KmsError.KeyDisabled,
        KeyState.PendingDeletion => KmsError.KeyPendingDeletion,
        _ => KmsError.KeyNotFound,
    };

    /// <exception cref="KmsException">KeyDisabled, KeyPendingDeletion, or KeyNotFound for a tombstone.</exception>
    public static void RequireRotatable(KeyDescription key)
    {
        KmsError refusal = WhyNotWrapping(key.State);
        if (refusal != KmsError.None)
        {
            throw Refuse(refusal, key);
        }
    }

    /// <summary>Its deletion is due, or its destruction was begun.</summary>
    public static bool IsDue(KeyDescription key, DateTimeOffset now) => key.State switch
    {
        KeyState.Unavailable => true,
        KeyState.PendingDeletion => key.DeletionDate is { } date && ZonedTimestamp.TryParse(date, out DateTimeOffset due) && due <= now,
        _ => false,
    };

    /// <exception cref="KmsException">KeyNotPendingDeletion: a time is given, and the key is not to be destroyed by then.</exception>
    public static void RequireDue(KeyDescription key, DateTimeOffset? by)
    {
        if (by is { } now && !IsDue(key, now))
        {
            throw Refuse(KmsError.KeyNotPendingDeletion, key);
        }
    }

    /// <summary>The key as it is after the change.</summary>
    /// <returns>The same object when nothing changes, so that nothing need be written.</returns>
    /// <exception cref="KmsException">KeyPendingDeletion, KeyNotPendingDeletion, MalformedRequest, or KeyNotFound for a tombstone.</exception>
    public static KeyDescription Apply(KeyDescription key, KeyChange change)
    {
        if (key.State == KeyState.Unavailable)
        {
            throw Refuse(KmsError.KeyNotFound, key);
        }

        return change switch
        {
            KeyChange.Enable => SetState(key, KeyState.Enabled),
            KeyChange.Disable => SetState(key, KeyState.Disabled),
            KeyChange.ScheduleDeletion schedule => Schedule(key, schedule.Due),
            KeyChange.CancelDeletion => Cancel(key),
            KeyChange.Describe describe => Describe(key, describe.Description),
            KeyChange.Tag tag => SetTags(key, key.Tags.SetItems(RefuseName(tag.Tags.Keys, tag.Tags))),
            KeyChange.Untag untag => SetTags(key, key.Tags.RemoveRange(RefuseName(untag.Names, untag.Names))),
            _ => throw new ArgumentOutOfRangeException(nameof(change), change, "every change has a rule"),
        };
    }

    private static KeyDescription SetState(KeyDescription key, KeyState state)
    {
        RefusePending(key);
        return key.State == state ? key : key with { State = state };
    }

    private static KeyDescription Schedule(KeyDescription key, DateTimeOffset due)
    {
        RefusePending(key);
        return key with { State = KeyState.PendingDeletion, StateBeforeDeletion = key.State, DeletionDate = ZonedTimestamp.Format(due) };
    }

    private static KeyDescription Cancel(KeyDescription key) => key.State == KeyState.PendingDeletion
        ? key with { State = key.StateBeforeDeletion ?? KeyState.Enabled, StateBeforeDeletion = null, DeletionDate = null }
        : throw Refuse(KmsError.KeyNotPendingDeletion, key);

    private static KeyDescription Describe(KeyDescription key, string description)
    {
        string? text = description.Length == 0 ? null : description;
        return key.Description == text ? key : key with { Description = text };
    }

    private static KeyDescription SetTags(KeyDescription key, ImmutableSortedDictionary<string, string> tags)
    {
        if (tags.Count > MaxTags && tags.Count > key.Tags.Count)
        {
            throw new KmsException(KmsError.MalformedRequest, $"key '{key.KeyId}' would have more than {MaxTags} tags");
        }

        return tags.SequenceEqual(key.Tags) ? key : key with { Tags = tags };
    }

    /// <summary>The tag <c>name</c> is the key's id.</summary>
    private static T RefuseName<T>(IEnumerable<string> names, T passed) => names.Contains(Tags.Name, StringComparer.Ordinal)
        ? throw new KmsException(KmsError.MalformedRequest, $"tag '{Tags.Name}' identifies the key and cannot be updated or removed")
        : passed;

    private static void RefusePending(KeyDescription key)
    {
        if (key.State == KeyState.PendingDeletion)
        {
            throw Refuse(KmsError.KeyPendingDeletion, key);
        }
    }

    private static KmsException Refuse(KmsError error, KeyDescription key) => new(error, error switch
    {
        KmsError.KeyDisabled => $"key '{key.KeyId}' is disabled; enable it first",
        KmsError.KeyPendingDeletion => $"key '{key.KeyId}' is pending deletion ({key.DeletionDate}); cancel the deletion first",
        KmsError.KeyNotPendingDeletion => $"key '{key.KeyId}' is not pending deletion: its state is {key.State}",
        _ => $"key not found: '{key.KeyId}'",
    });
}
