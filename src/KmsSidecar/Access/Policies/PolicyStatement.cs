using System.Collections.Immutable;

namespace KmsSidecar.Access.Policies;

/// <summary>One statement: whether it allows or denies, which actions on which keys, and under which conditions.</summary>
/// <param name="Sid">Its name, for people; null for none.</param>
/// <param name="Allows">False where it denies.</param>
/// <param name="Actions">At least one, all of one family.</param>
/// <param name="ExceptActions"><c>NotAction</c>: the statement is about the other actions.</param>
/// <param name="Resources">Empty for no restriction.</param>
/// <param name="ExceptResources"><c>NotResource</c>: the statement is about the other keys.</param>
internal sealed record PolicyStatement(
    string? Sid,
    bool Allows,
    ImmutableArray<string> Actions,
    bool ExceptActions,
    ImmutableArray<PolicyResource> Resources,
    bool ExceptResources,
    ImmutableArray<PolicyCondition> Conditions)
{
    /// <summary>It is about some keys only.</summary>
    private bool IsScoped { get; } = Resources.Any(static resource => resource.Kind != ResourceKind.Everything);

    public bool AppliesTo(AccessRequest request) =>
        CoversAction(request.Action) && CoversKey(request) && Conditions.All(condition => condition.Holds(request));

    /// <remarks><c>NotAction</c> errs to the side of refusing: an Allow stays in the family that it names, a Deny covers every other.</remarks>
    private bool CoversAction(string asked)
    {
        bool isNamed = Actions.Any(action => PolicyActions.Includes(action, asked));
        return ExceptActions
            ? !isNamed && (!Allows || PolicyActions.FamilyOf(asked) == PolicyActions.FamilyOf(Actions[0]))
            : isNamed;
    }

    /// <remarks>As RustFS: a request about no one key is covered by a statement on some, whether that allows or denies.</remarks>
    private bool CoversKey(AccessRequest request)
    {
        if (Allows && IsScoped && PolicyActions.OfAllKeys.Contains(request.Action))
        {
            return false;
        }

        return Resources.IsEmpty
            || request.KeyId is not { } keyId
            || Resources.Any(resource => resource.Matches(keyId)) != ExceptResources;
    }
}
