using KmsSidecar.CommandLine.Client;
using KmsSidecar.Errors;
using KmsSidecar.Hosting;
using KmsSidecar.Observability;
using KmsSidecar.Storage;

namespace KmsSidecar.CommandLine.Doctor;

/// <summary>What one look has found.</summary>
/// <param name="Name">Of what was looked at: a few words, the same in every run.</param>
/// <param name="Sentence">Never a secret.</param>
/// <param name="Mend">What to do; null when there is nothing.</param>
/// <param name="ExitCode">What it is worth to a process that ends for it: one of <see cref="CommandLine.ExitCode"/>.</param>
internal sealed record Finding(string Name, Verdict Verdict, string Sentence, string? Mend = null, int ExitCode = ExitCode.Ok)
{
    /// <summary>Between what is wrong and the mend in the messages of this program.</summary>
    private const string MendFollows = "; ";

    /// <summary>The longest messages list what a token of Vault may not do, path by path.</summary>
    private const int MaxChars = 4000;

    public static Finding Ok(string name, string sentence) => new(name, Verdict.Ok, sentence);

    public static Finding Skipped(string name, string sentence, string? mend = null) => new(name, Verdict.Skipped, sentence, mend);

    public static Finding Warning(string name, string sentence, string? mend = null) => new(name, Verdict.Warning, sentence, mend);

    public static Finding Fault(string name, string sentence, string? mend, int exitCode) => new(name, Verdict.Fault, sentence, mend, exitCode);

    /// <param name="message">What is wrong, and behind a semicolon the mend.</param>
    public static Finding FaultOf(string name, string message, int exitCode)
    {
        string line = PrintableText.Of(message, MaxChars);
        int mend = line.IndexOf(MendFollows, StringComparison.Ordinal);
        return mend < 0 ? Fault(name, line, mend: null, exitCode) : Fault(name, line[..mend], line[(mend + MendFollows.Length)..], exitCode);
    }

    /// <summary>Null for an exception that no look should throw.</summary>
    public static Finding? Of(string name, Exception thrown) => thrown switch
    {
        CommandFault { Next: { } next } refused => Fault(name, refused.Message, next, refused.ExitCode),
        CommandFault refused => FaultOf(name, refused.Message, refused.ExitCode),
        KmsException fault => FaultOf(name, fault.Message, CommandLine.ExitCode.Of(fault)),
        ListenException refused => FaultOf(name, refused.Message, CommandLine.ExitCode.Of(refused.Cause, CommandLine.ExitCode.Address)),
        PosixException unseen => FaultOf(name, unseen.Message, CommandLine.ExitCode.Of(unseen.Cause, CommandLine.ExitCode.Disk)),
        UnauthorizedAccessException => FaultOf(name, thrown.Message, CommandLine.ExitCode.NoPermission),
        IOException => FaultOf(name, thrown.Message, CommandLine.ExitCode.Disk),
        _ => null,
    };

    /// <summary>As one line, in the form of this program's other messages.</summary>
    public override string ToString() => Mend is null ? Sentence : $"{Sentence}{MendFollows}{Mend}";
}
