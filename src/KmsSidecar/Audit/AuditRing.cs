using System.Runtime.InteropServices;

namespace KmsSidecar.Audit;

/// <summary>A bounded queue of records: any thread adds, one takes. Neither takes a lock, allocates or waits.</summary>
/// <remarks>Each slot carries the turn at which it may be written or read next (Vyukov's bounded queue).</remarks>
internal sealed class AuditRing
{
    private readonly Slot[] _slots;
    private readonly int _mask;
    private Cursor _added;
    private Cursor _taken;

    /// <param name="capacity">A power of two.</param>
    public AuditRing(int capacity)
    {
        _mask = capacity - 1;
        _slots = new Slot[capacity];
        for (int i = 0; i < capacity; i++)
        {
            _slots[i].Turn = i;
        }
    }

    public int Capacity => _slots.Length;

    /// <summary>Records in it, at some moment.</summary>
    public int Count => (int)Math.Clamp(Added - Taken, 0, Capacity);

    /// <summary>Records that were ever added, those that are being added now among them.</summary>
    public long Added => Volatile.Read(ref _added.Value);

    /// <summary>Records that were ever taken.</summary>
    public long Taken => Volatile.Read(ref _taken.Value);

    /// <summary>False when it is full.</summary>
    public bool TryAdd(in AuditRecord record)
    {
        while (true)
        {
            long turn = Volatile.Read(ref _added.Value);
            ref Slot slot = ref _slots[turn & _mask];
            long free = Volatile.Read(ref slot.Turn) - turn;
            if (free < 0)
            {
                return false;
            }

            if (free == 0 && Interlocked.CompareExchange(ref _added.Value, turn + 1, turn) == turn)
            {
                slot.Record = record;
                Volatile.Write(ref slot.Turn, turn + 1);
                return true;
            }
        }
    }

    /// <summary>For one thread.</summary>
    public bool TryTake(out AuditRecord record)
    {
        long turn = _taken.Value;
        ref Slot slot = ref _slots[turn & _mask];
        if (Volatile.Read(ref slot.Turn) != turn + 1)
        {
            record = default;
            return false;
        }

        record = slot.Record;
        slot.Record = default;
        Volatile.Write(ref slot.Turn, turn + Capacity);
        Volatile.Write(ref _taken.Value, turn + 1);
        return true;
    }

    private struct Slot
    {
        public long Turn;
        public AuditRecord Record;
    }

    /// <summary>On cache lines of its own: those who add and the one who takes do not slow each other down.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct Cursor
    {
        [FieldOffset(64)]
        public long Value;
    }
}
