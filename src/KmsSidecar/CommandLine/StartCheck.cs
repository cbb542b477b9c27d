using KmsSidecar.CommandLine.Doctor;
using KmsSidecar.Errors;
using KmsSidecar.Hosting;
using KmsSidecar.Options;

namespace KmsSidecar.CommandLine;

/// <summary><c>check</c>: what <c>serve</c> would need, and nothing else.</summary>
internal static class StartCheck
{
    /// <returns>The exit code: that of the first fault.</returns>
    public static async Task<int> RunAsync(DaemonOptions options)
    {
        if (!options.Development)
        {
            return await LookAsync(options);
        }

        try
        {
            using DevelopmentSandbox sandbox = new(options);
            return await LookAsync(sandbox.Options);
        }
        catch (KmsException fault)
        {
            return Failure.Report(fault);
        }
    }

    private static async Task<int> LookAsync(DaemonOptions options)
    {
        Findings findings = new();
        await new StartLooks(options, findings).RunAsync();
        foreach ((_, Finding finding) in findings.All)
        {
            if (finding.Verdict == Verdict.Ok)
            {
                Console.Out.WriteLine($"good: {finding.Sentence}");
            }
            else
            {
                Failure.Write(finding.ToString());
            }
        }

        if (findings.ExitCode == ExitCode.Ok)
        {
            Console.Out.WriteLine("the settings are good");
        }

        return findings.ExitCode;
    }
}
