namespace KmsSidecar.Doubles.Core;

/// <summary>What answers below a mount. Called by one request at a time.</summary>
internal interface IEngine
{
    /// <summary>The path is for those who have no token, a login above all.</summary>
    bool IsOpen(string path) => false;

    /// <summary>Whether a write makes something new, and so needs <c>create</c>; null where the server does not tell the two apart.</summary>
    /// <param name="path">Below the mount.</param>
    bool? Exists(string path) => null;

    /// <param name="path">Below the mount.</param>
    Answer Handle(Call call, string path);
}
