using KmsSidecar.Errors;
using KmsSidecar.Keys;

namespace KmsSidecar.Api;

/// <summary>Which keys of a page a listing shows, by the parameters <c>status</c> and <c>usage</c>.</summary>
/// <remarks>Applied after the page is cut, as upstream does: a short or empty page that has a next marker is normal.</remarks>
/// <param name="Status">Null for all.</param>
/// <param name="Usage">Null for all.</param>
internal readonly record struct KeyFilter(string? Status, string? Usage)
{
    private static readonly string[] Statuses = [.. ((KeyState[])[
        KeyState.Enabled, KeyState.Disabled, KeyState.PendingDeletion, KeyState.Unavailable]).Select(KeyInfo.StatusOf)];

    private static readonly string[] Usages = ["EncryptDecrypt", "SignVerify"];

    public static KeyFilter Read(Call call) => new(Choose(call, "status", Statuses), Choose(call, "usage", Usages));

    public bool Admits(KeyDescription key) =>
        (Status is null || KeyInfo.StatusOf(key.State) == Status) && (Usage is null || key.Usage == Usage);

    private static string? Choose(Call call, string parameter, string[] choices)
    {
        if (!call.Query.TryGetValue(parameter, out string? given))
        {
            return null;
        }

        string folded = given.Replace("_", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal);
        return choices.FirstOrDefault(choice => choice.Equals(folded, StringComparison.OrdinalIgnoreCase))
            ?? throw new KmsException(
                KmsError.MalformedRequest, $"invalid value for '{parameter}': expected one of {string.Join(", ", choices)}");
    }
}
