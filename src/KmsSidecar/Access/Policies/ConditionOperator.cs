using System.Collections.Frozen;

namespace KmsSidecar.Access.Policies;

/// <summary>An operator of conditions, with the one key of a request that it makes sense for here.</summary>
/// <remarks>The list is closed: a condition that is not understood must not be passed over, or its statement would apply where it should not.</remarks>
/// <param name="IsNegated">Holds where no value fits.</param>
/// <param name="Parse">Reads one value.</param>
internal sealed record ConditionOperator(string Name, string Key, bool IsNegated, ConditionValueParser Parse)
{
    private const string SourceAddress = "aws:SourceIp";
    private const string CurrentTime = "aws:CurrentTime";
    private const string UserName = "aws:username";
    private const string SecureTransport = "aws:SecureTransport";

    private static readonly FrozenDictionary<string, ConditionOperator> Known = new ConditionOperator[]
    {
        new("IpAddress", SourceAddress, false, ConditionValues.Addresses),
        new("NotIpAddress", SourceAddress, true, ConditionValues.Addresses),
        new("DateLessThan", CurrentTime, false, ConditionValues.Times(static (now, then) => now < then)),
        new("DateLessThanEquals", CurrentTime, false, ConditionValues.Times(static (now, then) => now <= then)),
        new("DateGreaterThan", CurrentTime, false, ConditionValues.Times(static (now, then) => now > then)),
        new("DateGreaterThanEquals", CurrentTime, false, ConditionValues.Times(static (now, then) => now >= then)),
        new("StringEquals", UserName, false, ConditionValues.Names(string.Equals)),
        new("StringNotEquals", UserName, true, ConditionValues.Names(string.Equals)),
        new("StringEqualsIgnoreCase", UserName, false, ConditionValues.Names(StringComparer.OrdinalIgnoreCase.Equals)),
        new("StringNotEqualsIgnoreCase", UserName, true, ConditionValues.Names(StringComparer.OrdinalIgnoreCase.Equals)),
        new("StringLike", UserName, false, ConditionValues.Names(static (pattern, name) => Wildcard.Matches(pattern, name))),
        new("StringNotLike", UserName, true, ConditionValues.Names(static (pattern, name) => Wildcard.Matches(pattern, name))),
        new("Bool", SecureTransport, false, ConditionValues.Transports),
    }.ToFrozenDictionary(static known => known.Name, StringComparer.Ordinal);

    public static ConditionOperator? Find(string name) => Known.GetValueOrDefault(name);
}

/// <summary>Turns a value into a test of requests; null with the reason, in words that follow the value's place.</summary>
internal delegate Predicate<AccessRequest>? ConditionValueParser(string text, out string fault);
