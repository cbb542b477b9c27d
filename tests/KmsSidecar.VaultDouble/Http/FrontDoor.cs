using KmsSidecar.Doubles.Core;
using KmsSidecar.Doubles.Faults;
using KmsSidecar.Doubles.Requests;
using Microsoft.AspNetCore.Http;

namespace KmsSidecar.Doubles.Http;

/// <summary>Every request's way: written down, through the faults that are on, to the server's insides and back.</summary>
internal sealed class FrontDoor(VaultCore core, FaultList faults, RequestLog log, VaultDoubleOptions options)
{
    public async Task HandleAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        (Call? call, Answer? refusal, int size) = (null, null, 0);
        bool ignoresAlways = false;
        bool ignoresInBatches = false;
        IReadOnlyList<(Fault Fault, Task Ended)> taken = faults.Take(request.Method, RequestReader.PathOf(request));
        foreach ((Fault fault, _) in taken)
        {
            ignoresAlways |= fault.Kind == FaultKind.IgnoreAssociatedData;
            ignoresInBatches |= fault.Kind == FaultKind.IgnoreAssociatedDataInBatches;
        }

        try
        {
            byte[] body = await RequestReader.ReadBodyAsync(request, context.RequestAborted);
            size = body.Length;
            call = RequestReader.Read(request, body, isBatch => ignoresAlways || (ignoresInBatches && isBatch));
        }
        catch (VaultFailure failure)
        {
            refusal = Answer.Errors(failure.Status, failure.Errors);
        }

        RequestRecord record = RequestReader.Describe(request, size, call, core.Clock.GetUtcNow());
        log.Begin(record);
        try
        {
            await AnswerAsync(context, call, refusal, [.. taken], record);
        }
        catch (OperationCanceledException)
        {
            // The client has left, or the server ends.
            context.Abort();
        }
        finally
        {
            log.End();
        }
    }

    private async Task AnswerAsync(HttpContext context, Call? call, Answer? refusal, (Fault Fault, Task Ended)[] taken, RequestRecord record)
    {
        foreach ((Fault fault, Task ended) in taken)
        {
            switch (fault.Kind)
            {
                case FaultKind.Delay:
                    await Task.Delay(fault.Time, context.RequestAborted);
                    break;
                case FaultKind.Hang:
                    await ended.WaitAsync(context.RequestAborted);
                    break;
                case FaultKind.Cut:
                    context.Abort();
                    return;
                case FaultKind.Answer or FaultKind.Huge or FaultKind.Redirect:
                    record.Status = await FaultyAnswer.SendInsteadAsync(context, fault);
                    return;
                default:
                    break;
            }
        }

        if (options.TransitTime is { } time && IsTransitWork(record))
        {
            await time.WaitAsync(Math.Max(record.BatchSize, 1), context.RequestAborted);
        }

        Answer answer = refusal ?? core.Handle(call!);
        byte[] body = AnswerWriter.BodyOf(answer);
        Fault? late = taken.Select(static pair => pair.Fault)
            .FirstOrDefault(static fault => fault.Kind is FaultKind.LoseAnswer or FaultKind.CutInBody or FaultKind.Drip);
        if (late is not null)
        {
            await FaultyAnswer.SpoilAsync(context, late, answer.Status, body);
            return;
        }

        record.Status = answer.Status;
        AnswerWriter.Begin(context.Response, answer.Status, body.Length);
        if (body.Length > 0)
        {
            await context.Response.Body.WriteAsync(body, context.RequestAborted);
        }
    }

    private static bool IsTransitWork(RequestRecord record) =>
        record.Method is "POST" or "PUT" && record.Path.Split('/') is [.., "encrypt" or "decrypt" or "rewrap", _];
}
