using KmsSidecar.Crypto;
using Xunit;

namespace KmsSidecar.Tests.Crypto;

public sealed class KnownAnswerTests
{
    [Theory]
    [MemberData(nameof(Engines.Names), MemberType = typeof(Engines))]
    public void EveryEngine_HasIt(string name) => Assert.True(KnownAnswer.Holds(Engines.Named(name)));

    [Fact]
    public void EngineThatErrs_HasNot()
    {
        Assert.False(KnownAnswer.Holds(new Erring(errsInSealing: true)));
        Assert.False(KnownAnswer.Holds(new Erring(errsInSealing: false)));
    }

    /// <summary>One bit is wrong.</summary>
    private sealed class Erring(bool errsInSealing) : AeadEngine
    {
        public override string Name => "erring";

        public override int StateLength => Framework.StateLength;

        public override void Prepare(ReadOnlySpan<byte> key, Span<byte> state) => Framework.Prepare(key, state);

        public override void Seal(
            ReadOnlySpan<byte> state, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> destination) =>
            Framework.Seal(state, nonce, plaintext, associatedData, destination);

        public override bool TryOpen(
            ReadOnlySpan<byte> state, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> @sealed, ReadOnlySpan<byte> associatedData, Span<byte> destination) =>
            Framework.TryOpen(state, nonce, @sealed, associatedData, destination);

        public override void DeriveKey(ReadOnlySpan<byte> state, ReadOnlySpan<byte> input, Span<byte> derived) =>
            Framework.DeriveKey(state, input, derived);

        public override void SealXaes(
            ReadOnlySpan<byte> state, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> destination)
        {
            Framework.SealXaes(state, nonce, plaintext, associatedData, destination);
            destination[0] ^= errsInSealing ? (byte)1 : (byte)0;
        }

        public override bool TryOpenXaes(
            ReadOnlySpan<byte> state, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> @sealed, ReadOnlySpan<byte> associatedData, Span<byte> destination)
        {
            bool isGood = Framework.TryOpenXaes(state, nonce, @sealed, associatedData, destination);
            destination[0] ^= errsInSealing ? (byte)0 : (byte)1;
            return isGood;
        }
    }
}
