using System.Globalization;
using System.Net;
using System.Text;
using KmsSidecar.Bench.Load;
using KmsSidecar.CommandLine.Bench;

namespace KmsSidecar.Bench.Swaps;

/// <summary>Changes the configuration over the admin socket: cache knobs, default key, and key directory, in turn.</summary>
internal sealed class Administrator : IDisposable
{
    private const string Prefix = "/rustfs/admin/v3/kms/";

    private readonly HttpConnection _connection;
    private readonly string[] _directories;

    public Administrator(EndPoint adminSocket, string first, string second)
    {
        _connection = new HttpConnection(LocalTarget.Connect(adminSocket, TimeSpan.FromSeconds(60)));
        _directories = [first, second];
    }

    /// <summary>Two directories, each with both default keys; the first is active afterwards.</summary>
    /// <exception cref="IOException">The daemon refused.</exception>
    public void Prepare()
    {
        foreach (string directory in (string[])[_directories[1], _directories[0]])
        {
            Send("reconfigure", $$"""{"backend_type":"local","key_dir":"{{directory}}","default_key_id":"swap-0"}""");
            Send("keys", """{"key_name":"swap-1"}""");
        }
    }

    /// <summary>Change number <paramref name="i"/>: every fourth one moves to the other directory.</summary>
    /// <exception cref="IOException">The daemon refused.</exception>
    public void Swap(int i) => Send("reconfigure", (i % 4) switch
    {
        0 => string.Create(CultureInfo.InvariantCulture, $$"""{"enable_cache":{{(i % 8 == 0 ? "true" : "false")}},"max_cached_keys":{{1 + (i % 1000)}},"cache_ttl_seconds":{{1 + (i % 900)}}}"""),
        1 => $$"""{"default_key_id":"swap-{{i / 4 % 2}}"}""",
        2 => $$"""{"key_dir":"{{_directories[(i / 4 + 1) % 2]}}"}""",
        _ => $$"""{"default_key_id":"swap-{{(i / 4 + 1) % 2}}"}""",
    });

    public void Dispose() => _connection.Dispose();

    private void Send(string route, string body)
    {
        HttpAnswer answer = _connection.Exchange(Http.Post(Prefix + route, body));
        if (!answer.IsSuccess)
        {
            throw new IOException($"{route} {body}: status {answer.Status}: {Encoding.UTF8.GetString(answer.Body)}");
        }
    }
}
