using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;

namespace KmsSidecar.Operations;

/// <summary>How a caller may name a key: a plain id, <c>alias/NAME</c>, an ARN, the words for the default key, or nothing at all.</summary>
internal static class KeyReference
{
    private const string AliasPrefix = "alias/";
    private const string ArnPrefix = "arn:aws:kms:";

    /// <summary>Finds which key of the active backend is meant. The key itself need not exist.</summary>
    /// <param name="text">Null for the default key.</param>
    /// <returns>KeyNotFound when there is no default key or the ARN names none; a backend error.</returns>
    public static async ValueTask<(KmsError Error, string KeyId)> ResolveAsync(
        Snapshot snapshot, string? text, CancellationToken cancellation)
    {
        string? id = text is null ? DefaultKey.IdOf(snapshot) : Strip(text);
        if (id == "default")
        {
            (KmsError error, bool isKey) = snapshot.IsRunning
                ? await snapshot.Backends[0].Backend!.HasKeyAsync(id, cancellation)
                : (KmsError.None, false);
            if (error != KmsError.None)
            {
                return (error, "");
            }

            id = isKey ? id : DefaultKey.IdOf(snapshot);
        }

        return id is null ? (KmsError.KeyNotFound, "") : (KmsError.None, id);
    }

    /// <summary>The id inside an alias or ARN; null when an ARN names something else than a key.</summary>
    private static string? Strip(string text)
    {
        if (text.StartsWith(ArnPrefix, StringComparison.Ordinal))
        {
            // arn:aws:kms:REGION:ACCOUNT:key/ID, or …:alias/NAME
            string[] parts = text.Split(':', 6);
            if (parts.Length < 6)
            {
                return null;
            }

            text = parts[5];
            if (text.StartsWith("key/", StringComparison.Ordinal))
            {
                return text["key/".Length..];
            }

            if (!text.StartsWith(AliasPrefix, StringComparison.Ordinal))
            {
                return null;
            }
        }

        return text.StartsWith(AliasPrefix, StringComparison.Ordinal) ? text[AliasPrefix.Length..] : text;
    }
}
