using System.Diagnostics;
using System.Text;
using KmsSidecar.Errors;
using KmsSidecar.Observability;

namespace KmsSidecar.Api;

/// <summary>Runs requests of the data socket without an <see cref="HttpContext"/>: the same routes and answers as <see cref="Dispatcher"/> has
/// for callers whom the kernel has vouched for.</summary>
/// <remarks>Only what such a request can be: a POST to an exact path, without a query, and of the AWS KMS API an operation by its name. Everything else goes to the dispatcher.</remarks>
internal sealed class LocalRequests
{
    private readonly Target[] _paths;
    private readonly Target[] _operations;
    private readonly Outcomes _outcomes;

    public LocalRequests(Router router, Outcomes outcomes)
    {
        _outcomes = outcomes;
        Target[] targets =
        [
            .. router.Routes.Index()
                .Where(static entry => entry.Item is { Method: "POST", HasParameter: false } && entry.Item.Surfaces.HasFlag(Surface.DataSocket))
                .Select(static entry => new Target(Encoding.ASCII.GetBytes(entry.Item.Operation ?? entry.Item.Path), entry.Index, entry.Item)),
        ];
        _paths = [.. targets.Where(static target => target.Route.Operation is null)];
        _operations = [.. targets.Where(static target => target.Route.Operation is not (null or Route.OtherOperation))];
    }

    /// <summary>The route of a request target, exactly as sent; null when this is not the place for it.</summary>
    /// <param name="operation">Of the AWS KMS API, in a request that has its content type; empty for none.</param>
    public Target? Find(ReadOnlySpan<byte> path, ReadOnlySpan<byte> operation) =>
        operation.IsEmpty || !path.SequenceEqual("/"u8) ? Find(_paths, path) : Find(_operations, operation);

    /// <summary>Answers the call. Never throws.</summary>
    /// <param name="call">With its body and its actor; it may only be read again when the task has ended.</param>
    public async ValueTask RunAsync(Target target, Call call)
    {
        long started = Stopwatch.GetTimestamp();
        call.Dialect = target.Route.Dialect;

        // A data key's own would cost more than its counting, and its events name it themselves.
        using RequestScope? scope = target.Route.TimeLimit > RouteTable.Quick ? RequestScope.Begin(call.RequestId.ToString()) : null;
        try
        {
            KmsError error = _outcomes.WhyNot(target.Route);
            error = error == KmsError.None ? await target.Route.Handler(call) : error;
            if (error != KmsError.None)
            {
                _outcomes.Refuse(call, error, call.FailureMessage, target.Route);
            }
        }
        catch (KmsException failure)
        {
            _outcomes.Refuse(call, failure.Error, failure.Message, target.Route);
        }
        catch (OperationCanceledException) when (call.Cancellation.IsCancellationRequested)
        {
            _outcomes.Refuse(call, KmsError.BackendTimeout, message: null, target.Route);
        }
        catch (Exception bug)
        {
            _outcomes.Fail(call, bug, target.Route);
        }

        await _outcomes.EndAsync(target.Index, call, started);
    }

    private static Target? Find(Target[] targets, ReadOnlySpan<byte> name)
    {
        foreach (Target target in targets)
        {
            if (name.SequenceEqual(target.Name))
            {
                return target;
            }
        }

        return null;
    }

    /// <param name="Name">The path or the operation, as bytes.</param>
    /// <param name="Index">In <see cref="Router.Routes"/>.</param>
    internal sealed record Target(byte[] Name, int Index, Route Route);
}
