namespace KmsSidecar.Lifecycle;

/// <summary>Who changed something, and from where; kept with each stored configuration.</summary>
/// <param name="Who"><c>access key NAME</c> or <c>uid N</c>.</param>
/// <param name="From">Remote address, or <c>admin socket</c>.</param>
internal sealed record Actor(string Who, string From)
{
    public static readonly Actor Unknown = new("unknown", "unknown");

    /// <summary>The daemon itself, for example at <c>--dev</c>.</summary>
    public static readonly Actor Daemon = new("daemon", "this process");

    public static Actor OnDataSocket(uint userId) => new($"uid {userId}", "data socket");
}
