using System.Diagnostics;
using System.Text;
using KmsSidecar.Errors;

namespace KmsSidecar.Api;

/// <summary>Runs requests of the data socket without an <see cref="HttpContext"/>: the same routes and answers as <see cref="Dispatcher"/> has
/// for callers whom the kernel has vouched for.</summary>
/// <remarks>Only what such a request can be: a POST to an exact path, without a query. Everything else goes to the dispatcher.</remarks>
internal sealed class LocalRequests
{
    private readonly Target[] _targets;
    private readonly Outcomes _outcomes;

    public LocalRequests(Router router, Outcomes outcomes)
    {
        _outcomes = outcomes;
        _targets =
        [
            .. router.Routes.Index()
                .Where(static entry => entry.Item is { Method: "POST", HasParameter: false } && entry.Item.Surfaces.HasFlag(Surface.DataSocket))
                .Select(static entry => new Target(Encoding.ASCII.GetBytes(entry.Item.Path), entry.Index, entry.Item)),
        ];
    }

    /// <summary>The route of a request target, exactly as sent; null when this is not the place for it.</summary>
    public Target? Find(ReadOnlySpan<byte> path)
    {
        foreach (Target target in _targets)
        {
            if (path.SequenceEqual(target.Path))
            {
                return target;
            }
        }

        return null;
    }

    /// <summary>Answers the call. Never throws.</summary>
    /// <param name="call">With its body and its actor; it may only be read again when the task has ended.</param>
    public async ValueTask RunAsync(Target target, Call call)
    {
        long started = Stopwatch.GetTimestamp();
        try
        {
            KmsError error = await target.Route.Handler(call);
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

        _outcomes.Count(target.Index, call, started);
    }

    /// <param name="Path">As bytes.</param>
    /// <param name="Index">In <see cref="Router.Routes"/>.</param>
    internal sealed record Target(byte[] Path, int Index, Route Route);
}
