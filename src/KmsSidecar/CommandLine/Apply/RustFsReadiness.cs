using System.Net;
using KmsSidecar.CommandLine.Client;

namespace KmsSidecar.CommandLine.Apply;

/// <summary>Waits for RustFS, which refuses requests for some seconds after it has begun to listen.</summary>
internal static class RustFsReadiness
{
    private const string Path = "/health/ready";

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);

    /// <exception cref="CommandFault">It was not ready in time.</exception>
    public static async Task WaitAsync(Uri endpoint, Patience patience, CancellationToken cancellation)
    {
        using HttpClient http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = AnswerTimeout };
        while (await FindFaultAsync(http, new Uri(endpoint, Path), cancellation) is { } fault)
        {
            if (!await patience.WaitAsync(fault, cancellation))
            {
                throw new CommandFault(ExitCode.Unavailable, fault);
            }
        }

        patience.Rest();
    }

    /// <returns>Null when it is ready.</returns>
    private static async Task<string?> FindFaultAsync(HttpClient http, Uri probe, CancellationToken cancellation)
    {
        try
        {
            using HttpResponseMessage answer = await http.GetAsync(probe, HttpCompletionOption.ResponseHeadersRead, cancellation);

            // A RustFS without this path is one that serves: it answers so once it has read its disks.
            return answer.StatusCode is HttpStatusCode.InternalServerError or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout
                ? $"RustFS at {probe} is not ready: status {(int)answer.StatusCode}"
                : null;
        }
        catch (HttpRequestException unreached)
        {
            return $"RustFS at {probe} cannot be reached: {unreached.Message}";
        }
        catch (TaskCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return $"RustFS at {probe} does not answer";
        }
    }
}
