using System.Collections.Immutable;
using KmsSidecar.Access.Policies;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Json;

namespace KmsSidecar.CommandLine.Apply;

/// <summary>Reads the file: an object of the parts that it rules, or a bare configuration as <c>configure</c> takes it.</summary>
/// <param name="readSecret">Reads the file that a member names, given the name.</param>
internal sealed class DesiredStateReader(Func<string, SecretBuffer> readSecret)
{
    public const int MaxItems = 1000;

    private const int MaxTextLength = 8192;
    private const int MaxTags = 64;

    private DesiredConfiguration? _configuration;
    private string? _state;
    private ImmutableArray<DesiredKey> _keys = [];
    private ImmutableArray<DesiredPolicy> _policies = [];
    private ImmutableArray<DesiredUser> _users = [];

    /// <exception cref="KmsException">The message names the member.</exception>
    public DesiredState Read(ReadOnlySpan<byte> json)
    {
        if (IsBareConfiguration(json))
        {
            return new DesiredState { Configuration = DesiredConfiguration.Read(json), State = DesiredState.Running };
        }

        StrictObject members = new(json);
        try
        {
            while (members.Next())
            {
                Take(ref members);
            }

            return Finish();
        }
        catch
        {
            Collect().Dispose();
            throw;
        }
    }

    private static bool IsBareConfiguration(ReadOnlySpan<byte> json)
    {
        bool isBare = false;
        StrictObject members = new(json);
        while (members.Next())
        {
            isBare |= members.Name == "backend_type";
            members.Skip();
        }

        return isBare;
    }

    private void Take(ref StrictObject members)
    {
        switch (members.Name)
        {
            case "configuration":
                _configuration = ReadConfiguration(ref members);
                break;
            case "state":
                _state = Choice(ref members, DesiredState.Running, DesiredState.Configured);
                break;
            case "keys":
                _keys = members.Items(MaxItems, static (ref item) => item.Nested(static (ref key) => ReadKey(ref key)));
                break;
            case "policies":
                _policies = members.Nested(static (ref policies) => ReadPolicies(ref policies));
                break;
            case "users":
                _users = members.Items(MaxItems, (ref item) => item.Nested((ref user) => ReadUser(ref user)));
                break;
            default:
                throw members.Unknown();
        }
    }

    private static DesiredConfiguration ReadConfiguration(ref StrictObject members)
    {
        if (!members.IsObject)
        {
            throw members.Refuse("must be an object, as configure takes it");
        }

        try
        {
            return DesiredConfiguration.Read(members.Raw());
        }
        catch (KmsException fault)
        {
            throw new KmsException(fault.Error, $"configuration: {fault.Message}", fault);
        }
    }

    private static DesiredKey ReadKey(ref StrictObject members)
    {
        (string? id, string? description, string? state) = (null, null, null);
        ImmutableSortedDictionary<string, string> tags = ImmutableSortedDictionary<string, string>.Empty;
        while (members.Next())
        {
            switch (members.Name)
            {
                case "key_id":
                    id = members.Text(MaxTextLength);
                    break;
                case "description":
                    description = members.Text(MaxTextLength);
                    break;
                case "tags":
                    tags = members.TextMap(MaxTags, MaxTextLength);
                    break;
                case "state":
                    state = Choice(ref members, "Enabled", "Disabled");
                    break;
                default:
                    throw members.Unknown();
            }
        }

        return new DesiredKey(id ?? throw members.RefuseAll("has no 'key_id'"), description, tags, state);
    }

    private static ImmutableArray<DesiredPolicy> ReadPolicies(ref StrictObject members)
    {
        List<DesiredPolicy> policies = [];
        while (members.Next())
        {
            policies.Add(new DesiredPolicy(members.Name, Normalise(members.Name, members.Raw())));
        }

        return [.. policies];
    }

    /// <summary>As the daemon writes the policy that it has read.</summary>
    private static string Normalise(string name, ReadOnlySpan<byte> json)
    {
        try
        {
            return PolicyText.Of(PolicyDocument.Parse(json));
        }
        catch (KmsException fault)
        {
            throw new KmsException(fault.Error, $"policy '{name}': {fault.Message}", fault);
        }
    }

    private DesiredUser ReadUser(ref StrictObject members)
    {
        (string? accessKey, string? status) = (null, null);
        ImmutableArray<string>? policies = null;
        SecretBuffer? secret = null;
        try
        {
            while (members.Next())
            {
                switch (members.Name)
                {
                    case "access_key":
                        accessKey = members.Text(MaxTextLength);
                        break;
                    case "status":
                        status = Choice(ref members, "enabled", "disabled");
                        break;
                    case "policies":
                        policies = members.Items(MaxItems, static (ref item) => item.Text(MaxTextLength));
                        break;
                    case "secret_file":
                        secret = readSecret(members.Text(MaxTextLength));
                        break;
                    default:
                        throw members.Unknown();
                }
            }

            DesiredUser user = new(accessKey ?? throw members.RefuseAll("has no 'access_key'"), status, policies, secret);
            secret = null;
            return user;
        }
        finally
        {
            secret?.Dispose();
        }
    }

    private static string Choice(ref StrictObject members, string one, string other)
    {
        string text = members.Text(MaxTextLength);
        return text == one || text == other ? text : throw members.Refuse($"must be '{one}' or '{other}'");
    }

    /// <summary>A service with a configuration is one that runs, unless the file says otherwise.</summary>
    private DesiredState Collect() => new()
    {
        Configuration = _configuration,
        State = _state ?? (_configuration is null ? null : DesiredState.Running),
        Keys = _keys,
        Policies = _policies,
        Users = _users,
    };

    private DesiredState Finish()
    {
        RefuseTwice("keys", "key_id", _keys.Select(static key => key.Id));
        RefuseTwice("users", "access_key", _users.Select(static user => user.AccessKey));
        return _state == DesiredState.Configured && !_keys.IsEmpty
            ? throw JsonFaults.Fault("'keys' need a service that runs, and 'state' is 'Configured': leave one of them out")
            : Collect();
    }

    private static void RefuseTwice(string part, string member, IEnumerable<string> names)
    {
        HashSet<string> seen = [];
        if (names.FirstOrDefault(name => !seen.Add(name)) is { } twice)
        {
            throw JsonFaults.Fault($"'{part}' has {member} '{JsonFaults.Shorten(twice)}' twice");
        }
    }
}
