using System.Collections.Immutable;
using KmsSidecar.Json;

namespace KmsSidecar.Access.Policies;

/// <summary>The members of one statement as they are read, and what must hold between them.</summary>
internal struct StatementMembers
{
    private const int MaxActions = 32;
    private const int MaxResources = 128;
    private const int MaxConditionValues = 64;
    private const int MaxNameLength = 128;

    private string? _sid;
    private bool? _allows;
    private ImmutableArray<string> _actions;
    private bool _exceptActions;
    private ImmutableArray<PolicyResource> _resources;
    private bool _exceptResources;
    private ImmutableArray<PolicyCondition> _conditions;

    /// <summary>Reads the current member.</summary>
    public void Take(ref StrictObject members)
    {
        switch (members.Name)
        {
            case "Sid":
                _sid = PolicyReader.ReadName(ref members);
                break;
            case "Effect":
                _allows = members.Text(MaxNameLength) switch
                {
                    "Allow" => true,
                    "Deny" => false,
                    _ => throw members.Refuse("is not \"Allow\" or \"Deny\""),
                };
                break;
            case "Action" or "NotAction":
                RefuseBoth(ref members, _actions.IsDefault, "Action", "NotAction");
                _exceptActions = members.Name == "NotAction";
                _actions = PolicyReader.OneOrMore(ref members, MaxActions, ReadAction);
                break;
            case "Resource" or "NotResource":
                RefuseBoth(ref members, _resources.IsDefault, "Resource", "NotResource");
                _exceptResources = members.Name == "NotResource";
                _resources = PolicyReader.OneOrMore(ref members, MaxResources, ReadResource);
                break;
            case "Condition":
                _conditions = members.Nested(ReadConditions);
                break;
            default:
                throw members.Unknown();
        }
    }

    public readonly PolicyStatement Build(ref StrictObject members)
    {
        if (_allows is not { } allows)
        {
            throw members.RefuseAll("has no 'Effect'");
        }

        if (_actions.IsDefault)
        {
            throw members.RefuseAll("has neither 'Action' nor 'NotAction'");
        }

        ActionFamily family = PolicyActions.FamilyOf(_actions[0])!.Value;
        if (_actions.FirstOrDefault(action => PolicyActions.FamilyOf(action) != family) is { } other)
        {
            throw members.RefuseAll($"mixes actions of two families, {_actions[0]} and {other}; write two statements");
        }

        if (_exceptActions && family != ActionFamily.Kms)
        {
            throw members.RefuseAll($"excepts {_actions[0]}; 'NotAction' takes kms actions only");
        }

        ImmutableArray<PolicyResource> resources = _resources.IsDefault ? [] : _resources;
        if (resources.FirstOrDefault(resource => !IsOf(family, resource)) is { } foreign)
        {
            throw members.RefuseAll($"has resource {foreign.Text}, which is nothing that {_actions[0]} is done to");
        }

        if (_exceptResources && resources.Any(static resource => resource.Kind == ResourceKind.Everything))
        {
            throw members.RefuseAll("excepts every resource, so it can never apply");
        }

        return new PolicyStatement(
            _sid, allows, _actions, _exceptActions, resources, _exceptResources, _conditions.IsDefault ? [] : _conditions);
    }

    private static bool IsOf(ActionFamily family, PolicyResource resource) => resource.Kind switch
    {
        ResourceKind.Everything => true,
        ResourceKind.S3 => family == ActionFamily.S3,
        _ => family == ActionFamily.Kms,
    };

    private static void RefuseBoth(ref StrictObject members, bool isFirst, string name, string opposite)
    {
        if (!isFirst)
        {
            throw members.RefuseAll($"has both '{name}' and '{opposite}'");
        }
    }

    private static string ReadAction(ref StrictObject item)
    {
        string action = item.Text(PolicyActions.MaxLength);
        return PolicyActions.FamilyOf(action) is null ? throw item.Refuse(PolicyActions.WhyUnknown(action)) : action;
    }

    private static PolicyResource ReadResource(ref StrictObject item) =>
        PolicyResource.TryParse(item.Text(PolicyResource.MaxLength), out PolicyResource? resource, out string? fault)
            ? resource
            : throw item.Refuse(fault);

    private static ImmutableArray<PolicyCondition> ReadConditions(ref StrictObject members)
    {
        ImmutableArray<PolicyCondition>.Builder conditions = ImmutableArray.CreateBuilder<PolicyCondition>();
        while (members.Next())
        {
            ConditionOperator? comparison = ConditionOperator.Find(members.Name);
            conditions.Add(comparison is null
                ? throw members.Refuse("is not an operator that is known here")
                : members.Nested((ref keys) => ReadCondition(ref keys, comparison)));
        }

        return conditions.ToImmutable();
    }

    private static PolicyCondition ReadCondition(ref StrictObject members, ConditionOperator comparison)
    {
        ImmutableArray<ConditionValue> values = default;
        while (members.Next())
        {
            if (members.Name != comparison.Key)
            {
                throw members.Refuse($"is not what {comparison.Name} is for here, which is {comparison.Key}");
            }

            values = PolicyReader.OneOrMore(ref members, MaxConditionValues, (ref item) => ReadValue(ref item, comparison));
        }

        return values.IsDefault ? throw members.RefuseAll("is empty") : new PolicyCondition(comparison, values);
    }

    private static ConditionValue ReadValue(ref StrictObject item, ConditionOperator comparison)
    {
        string text = item.IsFlag ? item.Flag() ? "true" : "false" : item.Text(ConditionValue.MaxLength);
        return comparison.Parse(text, out string fault) is { } fits ? new ConditionValue(text, fits) : throw item.Refuse(fault);
    }
}
