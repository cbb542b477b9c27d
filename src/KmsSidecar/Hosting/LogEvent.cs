namespace KmsSidecar.Hosting;

/// <summary>One event as the places write it where events go.</summary>
/// <param name="Values">The parameters of the message, and the message without them.</param>
/// <param name="RequestId">Of the request that it belongs to, where the message does not say so itself.</param>
internal sealed record LogEvent(
    LogLevel Level,
    string Category,
    int Id,
    string Message,
    Exception? Exception,
    IReadOnlyCollection<KeyValuePair<string, object?>>? Values,
    string? RequestId = null);
