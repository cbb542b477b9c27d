using System.Diagnostics;
using System.Text;
using Xunit;

namespace KmsSidecar.Tests.Support;

/// <summary>The program as a process of its own, with an empty environment, its output kept.</summary>
internal sealed class DaemonProcess : IAsyncDisposable
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "kms-sidecar");

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private DaemonProcess(Process process, string readyText)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Keep(_output, line.Data, readyText);
        process.ErrorDataReceived += (_, line) => Keep(_errors, line.Data, readyText);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public string Output => Read(_output);

    public string Errors => Read(_errors);

    /// <summary>What <c>--dev</c> prints as <c>export NAME=value</c>.</summary>
    public string Exported(string name) => Output.Split('\n')
        .Select(static line => line.Trim())
        .Single(line => line.StartsWith($"export {name}=", StringComparison.Ordinal))[$"export {name}=".Length..];

    /// <summary>Runs to the end.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(
        string[] arguments, params (string Name, string Value)[] environment)
    {
        await using DaemonProcess process = Start(arguments, environment, readyText: "\0");
        return (await process.WaitForExitAsync(), process.Output, process.Errors);
    }

    /// <summary>Runs until it says that it is ready.</summary>
    public static async Task<DaemonProcess> ServeAsync(string[] arguments, params (string Name, string Value)[] environment)
    {
        string ready = arguments.Contains("--dev") ? "/v1/generate-data-key" : "ready: ";
        DaemonProcess process = Start(["serve", .. arguments], environment, ready);
        Task ended = process._process.WaitForExitAsync(TestContext.Current.CancellationToken);
        await Task.WhenAny(process._ready.Task, ended);
        Assert.False(ended.IsCompleted, process.Errors);
        return process;
    }

    /// <summary>SIGTERM.</summary>
    public void Terminate() => Signal("-TERM");

    /// <summary>SIGHUP.</summary>
    public void HangUp() => Signal("-HUP");

    /// <summary>However many it has open now.</summary>
    public void LimitOpenFiles(int limit)
    {
        using Process prlimit = Process.Start("prlimit", [$"--pid={_process.Id}", $"--nofile={limit}:{limit}"]);
        prlimit.WaitForExit();
        Assert.Equal(0, prlimit.ExitCode);
    }

    /// <summary>Returns when it has written this to standard error.</summary>
    public async Task WaitForErrorAsync(string text)
    {
        while (!Errors.Contains(text, StringComparison.Ordinal))
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    public async Task<int> WaitForExitAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
    }

    private void Signal(string name)
    {
        using Process kill = Process.Start("kill", [name, _process.Id.ToString()]);
        kill.WaitForExit();
    }

    private static DaemonProcess Start(string[] arguments, (string Name, string Value)[] environment, string readyText)
    {
        ProcessStartInfo start = new(Program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string name in start.Environment.Keys.Where(static name => !name.StartsWith("DOTNET_") && name != "PATH").ToArray())
        {
            start.Environment.Remove(name);
        }

        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        return new DaemonProcess(Process.Start(start)!, readyText);
    }

    private void Keep(StringBuilder text, string? line, string readyText)
    {
        if (line is null)
        {
            return;
        }

        lock (text)
        {
            text.AppendLine(line);
        }

        if (line.Contains(readyText, StringComparison.Ordinal))
        {
            _ready.TrySetResult();
        }
    }

    private static string Read(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }
}
