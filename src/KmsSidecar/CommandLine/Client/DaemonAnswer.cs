namespace KmsSidecar.CommandLine.Client;

/// <param name="Status">Of HTTP.</param>
/// <param name="ContentType">Without parameters; empty when there is none.</param>
internal sealed record DaemonAnswer(int Status, string ContentType, ReadOnlyMemory<byte> Body)
{
    public bool IsSuccess => Status is >= 200 and < 300;
}
