namespace KmsSidecar.Lifecycle;

/// <summary>Who changed something, and from where; kept with each stored configuration.</summary>
/// <param name="Who"><c>access key NAME</c> or <c>uid N</c>.</param>
/// <param name="From">Remote address, or <c>admin socket</c>.</param>
internal sealed record Actor(string Who, string From)
{
    /// <summary>The daemon itself, for example at <c>--dev</c>.</summary>
    public static readonly Actor Daemon = new("daemon", "this process");
}
