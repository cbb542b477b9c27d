namespace KmsSidecar.Auth;

/// <summary>One header line: the name in any case, the value as received (decoded as UTF-8).</summary>
internal readonly record struct HeaderField(string Name, string Value);

/// <summary>All of a request that comes before its body, as received.</summary>
/// <param name="Method">The method as sent; its case is significant.</param>
/// <param name="Target">The undecoded request target.</param>
/// <param name="Headers">The header lines in order of arrival, repeats kept. With HTTP/2 the <c>:authority</c> takes the place of
/// <c>Host</c>.</param>
internal sealed record RequestHead(string Method, RequestTarget Target, IReadOnlyList<HeaderField> Headers);
