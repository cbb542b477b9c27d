using System.Runtime.InteropServices;

namespace KmsSidecar.Storage;

/// <summary>The members of <c>struct statx</c> that are used here, at their offsets, which are the same on every architecture.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal readonly struct FileStatus
{
    private const int TypeMask = 0xf000;
    private const int RegularFile = 0x8000;
    private const int SocketFile = 0xc000;
    private const int PermissionMask = 0xfff;

    [FieldOffset(20)]
    private readonly uint _userId;

    [FieldOffset(24)]
    private readonly uint _groupId;

    [FieldOffset(28)]
    private readonly ushort _mode;

    [FieldOffset(32)]
    private readonly ulong _inode;

    [FieldOffset(40)]
    private readonly ulong _size;

    [FieldOffset(96)]
    private readonly long _changeSeconds;

    [FieldOffset(104)]
    private readonly uint _changeNanoseconds;

    [FieldOffset(136)]
    private readonly uint _deviceMajor;

    [FieldOffset(140)]
    private readonly uint _deviceMinor;

    public bool IsRegularFile => (_mode & TypeMask) == RegularFile;

    public bool IsSocket => (_mode & TypeMask) == SocketFile;

    /// <summary>Whom it belongs to.</summary>
    public uint UserId => _userId;

    public uint GroupId => _groupId;

    public UnixFileMode Permissions => (UnixFileMode)(_mode & PermissionMask);

    /// <summary>Bytes.</summary>
    public ulong Size => _size;

    /// <summary>Of content or attributes: no program can set it back, as it can the time of the last write.</summary>
    public (long Seconds, uint Nanoseconds) ChangedAt => (_changeSeconds, _changeNanoseconds);

    /// <summary>Which file or directory this is, whatever path led to it.</summary>
    public (uint DeviceMajor, uint DeviceMinor, ulong Inode) Identity => (_deviceMajor, _deviceMinor, _inode);
}
