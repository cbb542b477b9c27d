using KmsSidecar.Crypto;
using Xunit;

namespace KmsSidecar.Tests.Crypto;

/// <summary>The engines by name, for tests that hold for every one of them.</summary>
internal static class Engines
{
    public static TheoryData<string> Names => ["hardware", "framework"];

    /// <summary>Skips the test, aloud, where the processor has no instructions for it.</summary>
    public static AeadEngine Named(string name)
    {
        Assert.SkipWhen(name == "hardware" && AeadEngine.Hardware is null, "this processor has no AES instructions");
        return name == "hardware" ? AeadEngine.Hardware! : AeadEngine.Framework;
    }
}
