using System.Runtime.InteropServices;
using KmsSidecar.Storage;
using Microsoft.Win32.SafeHandles;

namespace KmsSidecar.CommandLine.Terminal;

/// <summary>The whole terminal for one program, given back as it was when this is disposed of.</summary>
/// <remarks>Keys come one by one and without an echo, Ctrl-C too. Sources: termios(3), ioctl_tty(2), xterm's control sequences.</remarks>
internal sealed partial class AlternateScreen : IDisposable
{
    public const byte ControlC = 3;

    /// <summary>The other buffer, no cursor, and long lines cut instead of wrapped.</summary>
    private const string Enter = "\e[?1049h\e[?25l\e[?7l";
    private const string Home = "\e[H";
    private const string EraseRestOfScreen = "\e[J";

    /// <summary>Emptied first: tmux shows lines of a buffer that has grown in the one that it goes back to.</summary>
    private const string Leave = $"{Home}{EraseRestOfScreen}\e[?7h\e[?25h\e[?1049l";

    private const int StandardInput = 0;
    private const int StandardOutput = 1;
    private const int ChangeNow = 0;
    private const nuint GetWindowSize = 0x5413;

    private readonly SafeFileHandle _input = new(StandardInput, ownsHandle: false);
    private readonly Settings _former;
    private readonly bool _hasKeys;

    public AlternateScreen()
    {
        _hasKeys = GetSettings(StandardInput, out _former) == 0;
        if (_hasKeys)
        {
            Settings raw = _former;
            raw.MakeRaw();
            _ = SetSettings(StandardInput, ChangeNow, in raw);
        }

        Console.Out.Write(Enter);
    }

    /// <summary>80 by 24 when the terminal does not say.</summary>
    public static (int Columns, int Rows) Size =>
        GetSize(StandardOutput, GetWindowSize, out WindowSize size) == 0 && size is { Columns: > 0, Rows: > 0 } ? (size.Columns, size.Rows) : (80, 24);

    /// <summary>In one write, so that a terminal that draws what it has got shows no empty screen between.</summary>
    public static void Show(string[] lines) =>
        Console.Out.Write($"{Home}{EraseRestOfScreen}{string.Join("\r\n", lines)}");

    /// <summary>Waits a tenth of a second for a key.</summary>
    /// <returns>Null when none came.</returns>
    public byte? ReadKey()
    {
        Span<byte> key = stackalloc byte[1];
        if (_hasKeys)
        {
            return Posix.Read(_input, key) == 1 ? key[0] : null;
        }

        Thread.Sleep(100);
        return null;
    }

    public void Dispose()
    {
        Console.Out.Write(Leave);
        if (_hasKeys)
        {
            _ = SetSettings(StandardInput, ChangeNow, in _former);
        }
    }

    [LibraryImport("libc", EntryPoint = "tcgetattr")]
    private static partial int GetSettings(int file, out Settings settings);

    [LibraryImport("libc", EntryPoint = "tcsetattr")]
    private static partial int SetSettings(int file, int when, in Settings settings);

    // ioctl(2) is variadic in C; on both Linux ABIs a pointer after the named arguments travels in the same register either way.
    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int GetSize(int file, nuint request, out WindowSize size);

    /// <summary>The members of <c>struct termios</c> of the C library that are used here, the same on x86-64 and arm64.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 60)]
    private unsafe struct Settings
    {
        private const uint SignalsOfKeys = 0x1;
        private const uint WholeLines = 0x2;
        private const uint Echo = 0x8;
        private const int WaitTenths = 5;
        private const int LeastBytes = 6;

        [FieldOffset(12)]
        private uint _local;

        [FieldOffset(17)]
        private fixed byte _characters[32];

        public void MakeRaw()
        {
            _local &= ~(SignalsOfKeys | WholeLines | Echo);
            _characters[WaitTenths] = 1;
            _characters[LeastBytes] = 0;
        }
    }

    private struct WindowSize
    {
        public ushort Rows;
        public ushort Columns;
        public ushort PixelsAcross;
        public ushort PixelsDown;
    }
}
