namespace KmsSidecar.Auth;

/// <summary>The local users and groups that may use a Unix-domain socket. An empty list admits nobody.</summary>
internal sealed class PeerAllowList(IEnumerable<uint> userIds, IEnumerable<uint> groupIds)
{
    private readonly HashSet<uint> _userIds = [.. userIds];
    private readonly HashSet<uint> _groupIds = [.. groupIds];

    public bool Allows(PeerCredentials peer) =>
        _userIds.Contains(peer.UserId)
        || _groupIds.Contains(peer.GroupId)
        || peer.SupplementaryGroupIds.Any(_groupIds.Contains);
}
