using KmsSidecar.Doubles.Faults;
using Microsoft.AspNetCore.Http;

namespace KmsSidecar.Doubles.Http;

/// <summary>Answers as they should not be.</summary>
internal static class FaultyAnswer
{
    /// <returns>The status that was sent.</returns>
    public static async Task<int> SendInsteadAsync(HttpContext context, Fault fault)
    {
        HttpResponse response = context.Response;
        switch (fault.Kind)
        {
            case FaultKind.Redirect:
                response.StatusCode = 307;
                response.Headers.Location = new Uri(fault.Elsewhere!, context.Request.Path + context.Request.QueryString).ToString();
                return response.StatusCode;
            case FaultKind.Huge:
                AnswerWriter.Begin(response, 200, fault.Size);
                byte[] block = new byte[64 * 1024];
                block.AsSpan().Fill((byte)' ');
                for (int left = fault.Size; left > 0; left -= block.Length)
                {
                    await response.Body.WriteAsync(block.AsMemory(0, Math.Min(left, block.Length)), context.RequestAborted);
                }

                return response.StatusCode;
            default:
                AnswerWriter.Begin(response, fault.Status, length: null);
                await response.WriteAsync(fault.Body, context.RequestAborted);
                return response.StatusCode;
        }
    }

    public static async Task SpoilAsync(HttpContext context, Fault fault, int status, byte[] body)
    {
        if (fault.Kind == FaultKind.LoseAnswer || body.Length == 0)
        {
            context.Abort();
            return;
        }

        AnswerWriter.Begin(context.Response, status, body.Length);
        if (fault.Kind == FaultKind.CutInBody)
        {
            await context.Response.Body.WriteAsync(body.AsMemory(0, body.Length / 2), context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            context.Abort();
            return;
        }

        for (int i = 0; i < body.Length; i++)
        {
            await context.Response.Body.WriteAsync(body.AsMemory(i, 1), context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await Task.Delay(fault.Time, context.RequestAborted);
        }
    }
}
