using System.Text.Json;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.Crypto;

namespace KmsSidecar.CommandLine.Apply;

/// <summary>Asks the daemon, and asks again while what keeps it from answering may pass and there is time to wait.</summary>
/// <param name="send"><see cref="DaemonClient.SendAsync"/>.</param>
internal sealed class PatientDaemon(
    Func<HttpMethod, string, ReadOnlyMemory<byte>, CancellationToken, Task<JsonElement>> send, Patience patience)
{
    public Task<JsonElement> GetAsync(string route, CancellationToken cancellation) => SendAsync(HttpMethod.Get, route, default, cancellation);

    /// <returns>The answer's member; undefined where the daemon has no such thing.</returns>
    public async Task<JsonElement> FindAsync(string route, string member, CancellationToken cancellation)
    {
        try
        {
            return (await GetAsync(route, cancellation)).Member(member) ?? default;
        }
        catch (CommandFault fault) when (fault.IsNotFound())
        {
            return default;
        }
    }

    public async Task TakeAsync(Step step, CancellationToken cancellation)
    {
        using SecretBuffer body = AdminRequest.WriteBody(step.Body);
        await SendAsync(step.Method, step.Route, body.WrittenMemory, cancellation);
    }

    /// <inheritdoc cref="DaemonClient.SendAsync"/>
    public async Task<JsonElement> SendAsync(HttpMethod method, string route, ReadOnlyMemory<byte> body, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                JsonElement answer = await send(method, route, body, cancellation);
                patience.Rest();
                return answer;
            }
            catch (CommandFault fault) when (fault.MayPass())
            {
                if (!await patience.WaitAsync(fault.Message, cancellation))
                {
                    throw;
                }
            }
        }
    }
}
