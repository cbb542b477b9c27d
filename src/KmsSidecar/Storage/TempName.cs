namespace KmsSidecar.Storage;

/// <summary>Names of files that are not published yet: <c>STEM.tmp-UUID</c>, as in RustFS, so that each clears the other's.</summary>
internal static class TempName
{
    private const string Infix = ".tmp-";
    private const string UuidFormat = "D";

    public static string For(string name)
    {
        string stem = Path.GetFileNameWithoutExtension(name);
        return $"{(stem.Length == 0 ? name : stem)}{Infix}{Guid.NewGuid().ToString(UuidFormat)}";
    }

    public static bool Matches(string name)
    {
        int infix = name.LastIndexOf(Infix, StringComparison.Ordinal);
        return infix > 0 && Guid.TryParseExact(name.AsSpan(infix + Infix.Length), UuidFormat, out _);
    }
}
