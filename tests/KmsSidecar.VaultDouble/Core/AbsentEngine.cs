namespace KmsSidecar.Doubles.Core;

/// <summary>A mount that every server has and the double only lists.</summary>
internal sealed class AbsentEngine : IEngine
{
    public Answer Handle(Call call, string path) => throw VaultFailure.UnsupportedPath();
}
