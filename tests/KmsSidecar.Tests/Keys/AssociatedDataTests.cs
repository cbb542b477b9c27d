using CsCheck;
using KmsSidecar.Keys;
using Xunit;

namespace KmsSidecar.Tests.Keys;

public sealed class AssociatedDataTests
{
    [Fact]
    public void Bytes_AreFramed()
    {
        byte[] expected =
        [
            .. "kms-sidecar/bound-1\0"u8,
            0x01, 0x02, 0x03, 0x04,
            0, 0, 0, 5,
            .. "k\u00e9\u00e9"u8,
            .. "{\"a\":\"b\"}"u8,
        ];
        Assert.Equal(expected, Bytes("k\u00e9\u00e9", 0x01020304, EncryptionContextTests.Of(("a", "b"))));
    }

    [Fact]
    public void DifferentInputs_HaveDifferentBytes()
    {
        // Few and confusable values, so that equal and nearly equal inputs are drawn often.
        Gen<(string Id, uint Version, EncryptionContext Context)> inputs = Gen.Select(
            Gen.OneOf("", "a", "a{}", "{}", "a\0", "\0a", "é"),
            Gen.OneOf(0u, 1u, 0x61u, 0x61000000u, uint.MaxValue),
            Gen.OneOf(EncryptionContext.Empty, EncryptionContextTests.Of(("a", "b")), EncryptionContextTests.Of(("", "{}"))));
        Gen.Select(inputs, inputs).Sample((one, other) =>
            (one.Id == other.Id && one.Version == other.Version && one.Context.Equals(other.Context))
            == Bytes(one.Id, one.Version, one.Context).AsSpan().SequenceEqual(Bytes(other.Id, other.Version, other.Context)));
    }

    [Fact]
    public void LongInputs_Fit()
    {
        string id = new('x', 100_000);
        EncryptionContext context = EncryptionContextTests.Of(("", new string('y', 8000)));
        Assert.Equal(28 + 100_000 + 8007, Bytes(id, 1, context).Length);
    }

    private static byte[] Bytes(string keyId, uint version, EncryptionContext context)
    {
        using AssociatedData data = new(keyId, version, context);
        return data.Bytes.ToArray();
    }
}
