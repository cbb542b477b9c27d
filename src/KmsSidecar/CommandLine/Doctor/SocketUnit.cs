namespace KmsSidecar.CommandLine.Doctor;

/// <summary>What systemd listens on for this service.</summary>
/// <param name="root">Of the file system.</param>
internal sealed class SocketUnit(string root = "/")
{
    private readonly UnitFile _unit = new("kms-sidecar.socket", root);

    public bool IsEnabled => _unit.IsEnabledBy("sockets.target");

    /// <summary>Whether the unit is enabled and has this address.</summary>
    public bool Has(string address)
    {
        try
        {
            return IsEnabled && _unit.FullPath is not null && _unit.Values("ListenStream").Contains(address);
        }
        catch (Exception hidden) when (hidden is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
