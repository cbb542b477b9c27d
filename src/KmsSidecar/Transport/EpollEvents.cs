using System.Runtime.InteropServices;

namespace KmsSidecar.Transport;

/// <summary>An array of <c>struct epoll_event</c>: u32 events, u64 data. Packed on x86-64 alone (sys/epoll.h).</summary>
internal readonly struct EpollEvents(int capacity)
{
    public const int MaxEntryLength = 16;

    private static readonly int DataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

    private static readonly int EntryLength = DataOffset + sizeof(ulong);

    private readonly byte[] _bytes = new byte[capacity * EntryLength];

    public int Capacity => capacity;

    public Span<byte> Bytes => _bytes;

    public int DescriptorAt(int index) => MemoryMarshal.Read<int>(_bytes.AsSpan((index * EntryLength) + DataOffset));

    public static void Write(Span<byte> entry, uint events, int descriptor)
    {
        entry.Clear();
        MemoryMarshal.Write(entry, events);
        MemoryMarshal.Write(entry[DataOffset..], (long)descriptor);
    }
}
