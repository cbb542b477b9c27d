using System.Security.Cryptography;
using System.Text;
using KmsSidecar.Crypto;
using KmsSidecar.Sealing;
using KmsSidecar.Storage;
using KmsSidecar.Tests.Storage;
using Xunit;

namespace KmsSidecar.Tests.Sealing;

public sealed class DerivedKeysTests : IDisposable
{
    private const string Password = "correct horse battery staple";

    private static readonly byte[] Salt = [.. Enumerable.Range(0, 16).Select(static i => (byte)i)];
    private static readonly string NodeKey = new('n', 44);

    private readonly TempDirectory _state = new();
    private readonly List<string> _reports = [];
    private int _derivations;

    private string Place => _state.PathOf("derived-keys");

    public void Dispose() => _state.Dispose();

    [Fact]
    public void KeptKey_IsFoundByTheNextProcess_WithoutTheDerivation()
    {
        byte[] first = InNewProcess();
        byte[] second = InNewProcess();

        Assert.Equal(1, _derivations);
        Assert.Equal(Derived(Password, Salt), first);
        Assert.Equal(first, second);
        Assert.Empty(_reports);
        FileInfo file = new(Assert.Single(Files()));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, file.UnixFileMode);
        Assert.Equal(DurableDirectory.PrivateMode, new DirectoryInfo(Place).UnixFileMode);
        Assert.True(File.ReadAllBytes(file.FullName).AsSpan().IndexOf(first) < 0);
    }

    [Theory]
    [InlineData("correct horse battery stapl", "000102030405060708090a0b0c0d0e0f")]
    [InlineData(Password, "000102030405060708090a0b0c0d0e0e")]
    [InlineData(Password, "000102030405060708090a0b0c0d0e")]
    [InlineData("\u000fcorrect horse battery staple", "000102030405060708090a0b0c0d0e")]
    public void OtherPasswordOrSalt_IsDerived(string password, string salt)
    {
        InNewProcess();

        Assert.Equal(Derived(password, Convert.FromHexString(salt)), InNewProcess(password, Convert.FromHexString(salt)));
        Assert.Equal(2, _derivations);
    }

    [Fact]
    public void OtherNodeKey_FindsNothing_AndTakesOver()
    {
        InNewProcess();
        string before = Assert.Single(Files());

        InNewProcess(nodeKey: new string('o', 44));

        Assert.Equal(2, _derivations);
        Assert.NotEqual(before, Assert.Single(Files()));
    }

    [Fact]
    public void EveryFlippedByte_IsFound_AndTheFileMendedWithoutAWord()
    {
        byte[] key = InNewProcess();
        string path = Assert.Single(Files());
        byte[] good = File.ReadAllBytes(path);
        for (int i = 0; i < good.Length; i++)
        {
            byte[] bad = [.. good];
            bad[i] ^= 0x40;
            File.WriteAllBytes(path, bad);
            _derivations = 0;

            Assert.Equal(key, InNewProcess());
            Assert.Equal(key, InNewProcess());
            Assert.Equal(1, _derivations);
        }

        Assert.Empty(_reports);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(47)]
    [InlineData(79)]
    public void TruncatedFile_IsDerivedAgain(int length)
    {
        byte[] key = InNewProcess();
        using (FileStream file = File.OpenWrite(Assert.Single(Files())))
        {
            file.SetLength(length);
        }

        Assert.Equal(key, InNewProcess());
        Assert.Equal(key, InNewProcess());
        Assert.Equal(2, _derivations);
    }

    [Fact]
    public void FileOfAnotherKey_DoesNotOpenInItsPlace()
    {
        byte[] key = InNewProcess();
        string path = Assert.Single(Files());
        InNewProcess("another");
        File.Move(Assert.Single(Files()), path);

        Assert.Equal(key, InNewProcess());
    }

    [Fact]
    public void SealedContentOfAnotherLength_IsDerivedAgain()
    {
        byte[] key = InNewProcess();
        string name = Path.GetFileName(Assert.Single(Files()));
        using (NodeMasterKey masterKey = OpenNodeKey(NodeKey))
        {
            masterKey.Seal(new DurableDirectory(Place, new SystemFileSteps()), "derived-keys").Write(name, key.AsSpan(1));
        }

        Assert.Equal(key, InNewProcess());
    }

    [Fact]
    public void SomethingThatIsNoFile_InItsPlace_IsNoError()
    {
        byte[] key = InNewProcess();
        string path = Assert.Single(Files());
        File.Delete(path);
        Directory.CreateDirectory(Path.Join(path, "inner"));

        Assert.Equal(key, InNewProcess());
        Assert.Single(_reports);
    }

    [Fact]
    public void FullDisk_IsReportedOnce_AndTheKeyIsGiven()
    {
        using NodeMasterKey masterKey = OpenNodeKey(NodeKey);
        using DerivedKeys keys = Open(masterKey, new FillingDisk { IsFull = true });

        Assert.Equal(Derived(Password, Salt), Get(keys, Password, Salt));
        Assert.Equal(Derived("another", Salt), Get(keys, "another", Salt));

        Assert.Contains(Place, Assert.Single(_reports), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Place));
    }

    [Fact]
    public void WhicheverStepIsRefused_TheKeyIsGiven_AndKeptByTheNextProcess()
    {
        StoppingSteps counted = new(new SystemFileSteps(), StoppingSteps.Never, StopPoint.Before);
        InNewProcess(steps: counted);
        for (int i = 0; i < counted.Count; i++)
        {
            Directory.Delete(Place, recursive: true);

            Assert.Equal(Derived(Password, Salt), InNewProcess(steps: new FailingSteps(new SystemFileSteps(), i, Errno.NoSpace)));
            InNewProcess();
            _derivations = 0;
            InNewProcess();

            Assert.Equal(0, _derivations);
            Assert.Single(Files());
        }
    }

    [Fact]
    public void WhatMayNotBeKept_LeavesTheDiskAsItIs()
    {
        Assert.Equal(Derived(Password, Salt), InNewProcess(mayKeep: false));
        Assert.False(Directory.Exists(Place));

        InNewProcess();
        InNewProcess(mayKeep: false);
        InNewProcess("another", mayKeep: false);

        Assert.Equal(3, _derivations);
        Assert.Single(Files());
    }

    [Fact]
    public void OnlyTheLastUsedOnes_AreKept()
    {
        using NodeMasterKey masterKey = OpenNodeKey(NodeKey);
        using DerivedKeys keys = Open(masterKey, new SystemFileSteps());
        for (int i = 0; i < DerivedKeys.Kept; i++)
        {
            Get(keys, $"password {i}", Salt);
        }

        Get(keys, "password 0", Salt);
        Assert.Equal(DerivedKeys.Kept, _derivations);
        Get(keys, "one more", Salt);

        Assert.Equal(DerivedKeys.Kept, Files().Length);
        _derivations = 0;
        Get(keys, "password 0", Salt);
        Assert.Equal(0, _derivations);
        Get(keys, "password 1", Salt);
        Assert.Equal(1, _derivations);
    }

    [Fact]
    public void WhatIsNotUsedAnyMore_GoesWhenTheNextIsKept_AndNothingElseDoes()
    {
        InNewProcess("former");
        File.WriteAllText(Path.Join(Place, "README"), "not ours");
        File.WriteAllText(Path.Join(Place, TempName.For(new string('0', 64))), "half of");

        InNewProcess("present");
        InNewProcess("present");
        Assert.Equal(2, Files().Length);
        Assert.True(File.Exists(Path.Join(Place, "README")));

        _derivations = 0;
        InNewProcess("former");
        Assert.Equal(1, _derivations);
    }

    [Fact]
    public async Task ManyThreads_GetTheirOwnKeys()
    {
        using NodeMasterKey masterKey = OpenNodeKey(NodeKey);
        using DerivedKeys keys = Open(masterKey, new SystemFileSteps());

        await Parallel.ForAsync(0, 200, TestContext.Current.CancellationToken, (i, _) =>
        {
            string password = $"password {i % 20}";
            using SecretBytes key = keys.GetOrDerive(
                Encoding.UTF8.GetBytes(password), Salt, static (given, salt) => SecretBytes.CopyOf(HMACSHA256.HashData(salt, given)), mayKeep: true);
            Assert.Equal(Derived(password, Salt), key.Span);
            return ValueTask.CompletedTask;
        });

        Assert.Equal(DerivedKeys.Kept, Files().Length);
        Assert.Empty(_reports);
    }

    private static byte[] Derived(string password, byte[] salt) => HMACSHA256.HashData(salt, Encoding.UTF8.GetBytes(password));

    private string[] Files() => Directory.GetFiles(Place);

    private NodeMasterKey OpenNodeKey(string text)
    {
        string path = _state.PathOf("master.key");
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return NodeMasterKey.Read(path);
    }

    private DerivedKeys Open(NodeMasterKey masterKey, IFileSteps steps) => new(masterKey, new DurableDirectory(Place, steps), _reports.Add);

    private byte[] InNewProcess(
        string password = Password, byte[]? salt = null, string? nodeKey = null, IFileSteps? steps = null, bool mayKeep = true)
    {
        using NodeMasterKey masterKey = OpenNodeKey(nodeKey ?? NodeKey);
        using DerivedKeys keys = Open(masterKey, steps ?? new SystemFileSteps());
        return Get(keys, password, salt ?? Salt, mayKeep);
    }

    private byte[] Get(DerivedKeys keys, string password, byte[] salt, bool mayKeep = true)
    {
        using SecretBytes key = keys.GetOrDerive(Encoding.UTF8.GetBytes(password), salt, Derive, mayKeep);
        return key.Span.ToArray();
    }

    private SecretBytes Derive(ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt)
    {
        _derivations++;
        return SecretBytes.CopyOf(HMACSHA256.HashData(salt, password));
    }
}
