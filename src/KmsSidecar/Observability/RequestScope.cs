namespace KmsSidecar.Observability;

/// <summary>Which request the work under way is for, so that every event of it can name it.</summary>
/// <remarks>Begun before the work, disposed after the answer: what goes on in the background then is no longer that request's.</remarks>
internal sealed class RequestScope : IDisposable
{
    private static readonly AsyncLocal<RequestScope?> Current = new();

    private volatile string? _id;

    private RequestScope(string id) => _id = id;

    /// <summary>Null outside of a request.</summary>
    public static string? CurrentId => Current.Value?._id;

    public static RequestScope Begin(string id) => Current.Value = new RequestScope(id);

    public void Dispose() => _id = null;
}
