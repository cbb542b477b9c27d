using KmsSidecar.Errors;
using KmsSidecar.Storage;

namespace KmsSidecar.CommandLine.Doctor;

/// <summary>What has been found so far, in groups. A look that fails or hangs keeps none of the next ones from being made.</summary>
/// <remarks>Looks may run on other threads; what they find is added by the one that awaits them.</remarks>
/// <param name="isOutsider">Who looks is neither root nor the daemon's user: what is closed to them says nothing about the daemon.</param>
internal sealed class Findings(bool isOutsider = false)
{
    /// <summary>For one look.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public const string AsRoot = "run it as root to see this, too";

    private readonly List<(string Group, Finding Finding)> _all = [];
    private string _group = "";

    public bool IsOutsider => isOutsider;

    public IReadOnlyList<(string Group, Finding Finding)> All => _all;

    /// <summary>What is added from now on belongs to this group.</summary>
    public void Begin(string group) => _group = group;

    public void Add(Finding finding) => _all.Add((_group, finding));

    public int Count(Verdict verdict) => _all.Count(found => found.Finding.Verdict == verdict);

    /// <summary>That of the first fault.</summary>
    public int ExitCode => _all.Find(static found => found.Finding.Verdict == Verdict.Fault) is { Finding: { } fault }
        ? fault.ExitCode
        : CommandLine.ExitCode.Ok;

    /// <param name="look">Null for nothing to tell.</param>
    public Task LookAsync(string name, Func<Finding?> look) => LookAsync(name, _ => Task.Run(look));

    /// <inheritdoc cref="LookAsync(string, Func{Finding})"/>
    public async Task LookAsync(string name, Func<CancellationToken, Task<Finding?>> look)
    {
        using CancellationTokenSource late = new(Patience);
        Finding? finding;
        try
        {
            // A file on a server that is away answers no cancellation.
            finding = await look(late.Token).WaitAsync(Patience);
        }
        catch (Exception slow) when (slow is TimeoutException or OperationCanceledException)
        {
            finding = Finding.Fault(name, $"no answer in {Patience.TotalSeconds:0} s", mend: null, CommandLine.ExitCode.Unavailable);
        }
        catch (Exception thrown) when (Finding.Of(name, thrown) is { } found)
        {
            finding = isOutsider && IsClosed(thrown) ? Finding.Skipped(name, found.Sentence, AsRoot) : found;
        }

        if (finding is not null)
        {
            Add(finding);
        }
    }

    private static bool IsClosed(Exception thrown) =>
        thrown is UnauthorizedAccessException or PosixException { Cause: FaultCause.NoPermission }
        || thrown is KmsException { InnerException: PosixException { Cause: FaultCause.NoPermission } };
}
