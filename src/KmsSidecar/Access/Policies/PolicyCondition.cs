using System.Collections.Immutable;

namespace KmsSidecar.Access.Policies;

/// <summary>One test of a statement's <c>Condition</c>: an operator, the key of the request that it looks at, and what that is compared with.</summary>
/// <remarks>A statement applies when all its conditions hold. One value that fits suffices, or, for an operator with <c>Not</c>, none may
/// fit. A request that lacks the key fits no value. All of this is as with AWS.</remarks>
internal sealed record PolicyCondition(ConditionOperator Operator, ImmutableArray<ConditionValue> Values)
{
    public bool Holds(AccessRequest request)
    {
        bool fits = false;
        foreach (ConditionValue value in Values)
        {
            fits = fits || value.Fits(request);
        }

        return fits != Operator.IsNegated;
    }
}

/// <param name="Text">As written.</param>
internal sealed record ConditionValue(string Text, Predicate<AccessRequest> Fits)
{
    /// <summary>The longest, in characters.</summary>
    public const int MaxLength = 256;
}
