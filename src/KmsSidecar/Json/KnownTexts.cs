using System.Text;

namespace KmsSidecar.Json;

/// <summary>Gives short texts that come again and again, such as the names of members and keys, as the strings they were before.</summary>
/// <remarks>A table of fixed size that forgets: a miss costs a new string, and rubbish drives out nothing but itself and its slot. Not for
/// secrets. Thread-safe.</remarks>
internal static class KnownTexts
{
    private const int MaxLength = 64;

    private static readonly string?[] Slots = new string?[512];

    /// <summary>Null when it is not known, or not ASCII.</summary>
    public static string? Find(ReadOnlySpan<byte> utf8) =>
        utf8.Length <= MaxLength && Volatile.Read(ref SlotOf(utf8)) is { } known && Ascii.Equals(utf8, known) ? known : null;

    /// <param name="text">What the bytes stand for.</param>
    public static string Remember(ReadOnlySpan<byte> utf8, string text)
    {
        if (utf8.Length <= MaxLength && Ascii.Equals(utf8, text))
        {
            Volatile.Write(ref SlotOf(utf8), text);
        }

        return text;
    }

    private static ref string? SlotOf(ReadOnlySpan<byte> utf8)
    {
        uint hash = 2166136261;
        foreach (byte value in utf8)
        {
            hash = unchecked((hash ^ value) * 16777619);
        }

        return ref Slots[hash % Slots.Length];
    }
}
