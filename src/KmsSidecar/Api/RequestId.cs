using System.Buffers.Binary;
using System.Globalization;
using KmsSidecar.Crypto;

namespace KmsSidecar.Api;

/// <summary>A random number that joins an answer with what the log says about it; 32 hexadecimal digits. Not secret.</summary>
internal readonly record struct RequestId(UInt128 Value)
{
    /// <summary>Characters of its text.</summary>
    public const int TextLength = 32;

    public static RequestId Next()
    {
        Span<byte> bytes = stackalloc byte[TextLength / 2];
        RandomBytes.Fill(bytes);
        return new RequestId(BinaryPrimitives.ReadUInt128LittleEndian(bytes));
    }

    /// <param name="destination">At least <see cref="TextLength"/> bytes.</param>
    public void WriteTo(Span<byte> destination)
    {
        Span<byte> bytes = stackalloc byte[TextLength / 2];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);
        LowerHex.Write(bytes, destination);
    }

    public override string ToString() => Value.ToString("x32", CultureInfo.InvariantCulture);
}
