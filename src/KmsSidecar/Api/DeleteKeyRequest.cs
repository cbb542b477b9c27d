using System.Globalization;
using KmsSidecar.Errors;
using KmsSidecar.Json;

namespace KmsSidecar.Api;

/// <summary>How a key is to be deleted. The key's name goes to <see cref="Call.KeyId"/> as soon as it is read.</summary>
/// <param name="Days">Null where the request says nothing.</param>
/// <param name="IsImmediate">Destroy it now; the window is void then.</param>
/// <param name="Confirmation">Second naming of the key, needed for an immediate deletion.</param>
internal readonly record struct DeleteKeyRequest(long? Days, bool IsImmediate, string? Confirmation)
{
    private const string WindowMember = "pending_window_in_days";
    private const string ImmediateMember = "force_immediate";
    private const string ConfirmationMember = "confirm_key_id";

    public static DeleteKeyRequest Read(Call call) => call.Body.IsEmpty ? ReadParameters(call) : ReadBody(call);

    private static DeleteKeyRequest ReadBody(Call call)
    {
        bool hasKey = false;
        DeleteKeyRequest request = default;
        StrictObject members = new(call.Body.Span);
        while (members.Next())
        {
            switch (members.Name)
            {
                case "key_id":
                    call.KeyId = members.Text(KeyChangeRequest.MaxReferenceLength);
                    hasKey = true;
                    break;
                case WindowMember:
                    request = request with { Days = members.IsNull ? null : members.Number(0, uint.MaxValue) };
                    break;
                case ImmediateMember:
                    request = request with { IsImmediate = !members.IsNull && members.Flag() };
                    break;
                case ConfirmationMember:
                    request = request with { Confirmation = members.TextOrNull(KeyChangeRequest.MaxReferenceLength) };
                    break;
                default:
                    throw members.Unknown();
            }
        }

        KeyChangeRequest.Require(hasKey, "key_id");
        return request;
    }

    /// <summary>Parameters schedule and no more: a URL gets into histories and logs, and is repeated by whoever follows it.</summary>
    private static DeleteKeyRequest ReadParameters(Call call)
    {
        call.KeyId = KeyChangeRequest.RequireParameter(call);
        if (call.Query.ContainsKey(ConfirmationMember) || call.Query.GetValueOrDefault(ImmediateMember, "false") != "false")
        {
            throw new KmsException(
                KmsError.ImmediateDeletionRefused, "immediate deletion is not taken from the query; send force_immediate and confirm_key_id in the body");
        }

        if (!call.Query.TryGetValue(WindowMember, out string? text))
        {
            return default;
        }

        return uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint days)
            ? new DeleteKeyRequest(days, IsImmediate: false, Confirmation: null)
            : throw new KmsException(KmsError.MalformedRequest, $"invalid {WindowMember}: expected a whole number of days");
    }
}
