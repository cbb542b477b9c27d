using System.Diagnostics;
using KmsSidecar.Audit;
using KmsSidecar.Auth;

namespace KmsSidecar.Api;

/// <summary>Hands what was done to the audit log, whichever way it was asked for. A route says by its <see cref="Route.Audit"/> what is recorded.</summary>
internal sealed class AuditTrail
{
    private readonly AuditLog _log;
    private readonly Func<long> _generation;
    private readonly TimeProvider _clock;
    private readonly Router _router;

    /// <summary>By route index; null for what is not recorded.</summary>
    private readonly AuditOperation?[] _operations;

    /// <summary>The same for calls that were turned away, which are recorded on every route but the public ones.</summary>
    private readonly AuditOperation?[] _refused;

    /// <param name="generation">Of the configuration in effect.</param>
    public AuditTrail(Router router, AuditLog log, Func<long> generation, TimeProvider clock)
    {
        (_router, _log, _generation, _clock) = (router, log, generation, clock);
        _operations = [.. router.Routes.Select(static route => route.Audit == AuditKind.None ? null : Operation(route, route.Audit))];
        _refused = [.. router.Routes.Select(static route => route.Action.IsPublic ? null : Operation(route, AuditKind.Access))];
    }

    /// <summary>Whether an operation that is about to be done has to be refused, because it could not be recorded.</summary>
    public bool Refuses(Route route) => route.Audit != AuditKind.None && _log.Refuses;

    /// <summary>Records a call whose answer is ready.</summary>
    /// <param name="index">Of the route; null for none.</param>
    /// <param name="started">Timestamp of <see cref="Stopwatch"/>.</param>
    /// <returns>False when the answer must not be sent.</returns>
    public ValueTask<bool> RecordAsync(int? index, Call call, long started)
    {
        if (OperationOf(index, call) is not { } operation)
        {
            return new ValueTask<bool>(true);
        }

        CallAudit audit = call.Audit;
        AuditRecord record = new()
        {
            Operation = operation,
            Subject = audit.Subject,
            Time = _clock.GetUtcNow().UtcTicks,
            Key = KeyOf(index is null ? null : _router.Routes[index.Value], call),
            Target = audit.Target ?? TargetIn(index, call),
            Count = audit.Count,
            Status = call.Status,
            Microseconds = (long)Stopwatch.GetElapsedTime(started).TotalMicroseconds,
            RequestId = call.RequestId.Value,
            Generation = audit.Generation ?? _generation(),
        };
        return _log.CommitAsync(operation.Kind, audit.Items.IsEmpty ? _log.Add(record) : AddItems(record, audit));
    }

    private static AuditOperation Operation(Route route, AuditKind kind) => new(kind, route.Name, route.Action.Name);

    /// <summary>What a policy denies is recorded, whatever it is.</summary>
    private AuditOperation? OperationOf(int? index, Call call)
    {
        if (index is not { } known)
        {
            return call.Audit.IsTurnedAway ? AuditOperation.Refused : null;
        }

        bool isDenied = _operations[known] is null && call.Audit.Failure == nameof(AuthErrorCode.AccessDenied);
        return call.Audit.IsTurnedAway || isDenied ? _refused[known] : _operations[known];
    }

    /// <summary>A request that fails as a whole has no items.</summary>
    private bool AddItems(in AuditRecord record, CallAudit audit)
    {
        if (audit.Failure is not null)
        {
            return _log.Add(record);
        }

        bool areAdded = true;
        for (int i = 0; i < audit.Items.Length; i++)
        {
            areAdded &= _log.Add(record with { Key = audit.Items[i], Item = i });
        }

        return areAdded;
    }

    /// <summary>The key that was acted on; where none was, the one that the request names.</summary>
    private static AuditedKey KeyOf(Route? route, Call call)
    {
        AuditedKey key = call.Audit.Key;
        return key.KeyId is not null && call.Audit.Failure is null
            ? key
            : key with { KeyId = key.KeyId ?? call.JudgedKeyId ?? Named(route, call), Failure = call.Audit.Failure };
    }

    private string? TargetIn(int? index, Call call) =>
        index is { } known && _router.Routes[known] is { Key: KeyScope.None, HasParameter: true } ? call.PathParameter : null;

    private static string? Named(Route? route, Call call) => route is null || call.Audit.IsTurnedAway ? null : KeyInQuestion.ReferenceIn(call, route.Key).Reference;
}
