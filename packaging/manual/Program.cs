using KmsSidecar.CommandLine;

namespace KmsSidecar.Manual;

/// <summary>Writes the manual pages and shell completions. What <c>--help</c> says they take from where <c>--help</c> has it.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        if (args.Length != 3)
        {
            Console.Error.WriteLine("usage: KmsSidecar.Manual DIRECTORY VERSION DATE");
            return 64;
        }

        CommandTree tree = CommandTree.Read(SidecarCommand.Build());
        Directory.CreateDirectory(args[0]);
        foreach ((string name, string text) in ((string, string)[])[
            ("kms-sidecar.8", CommandPage.Write(tree, args[1], args[2])),
            ("kms-sidecar.conf.5", SettingsPage.Write(args[1], args[2])),
            ("kms-sidecar.bash", BashCompletion.Write(tree)),
            ("_kms-sidecar", ZshCompletion.Write(tree)),
            ("kms-sidecar.fish", FishCompletion.Write(tree)),
        ])
        {
            File.WriteAllText(Path.Join(args[0], name), text);
        }

        return 0;
    }
}
