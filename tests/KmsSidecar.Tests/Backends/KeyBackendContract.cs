using System.Text;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using Xunit;
using static KmsSidecar.Tests.Backends.BackendCalls;

namespace KmsSidecar.Tests.Backends;

/// <summary>What every backend does.</summary>
public abstract class KeyBackendContract
{
    private const string Key = "contract-key";

    public static TheoryData<string> Forms => [nameof(EnvelopeForm.Bound), nameof(EnvelopeForm.RustFs)];

    private protected abstract IKeyBackend Backend { get; }

    /// <summary>False for a backend that writes RustFS's form whatever is asked for, since it does not wrap in this process.</summary>
    private protected virtual bool WritesBoundForm => true;

    /// <summary>An enabled key that the backend holds.</summary>
    private protected static string KeyId => Key;

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task Wrapped_Unwraps(string form)
    {
        EncryptionContext[] contexts = [EncryptionContext.Empty, Context(("bucket", "bucket/ключ \"1\"\n"), ("z", ""))];
        foreach (EncryptionContext context in contexts)
        {
            (KmsError error, uint version, byte[] blob) = await Backend.WrapAsync(KeyId, Enum.Parse<EnvelopeForm>(form), context);
            Assert.Equal(KmsError.None, error);
            Assert.Equal(1u, version);
            Assert.True(Envelope.IsEnvelope(blob));
            (error, version, byte[] plaintext) = await Backend.UnwrapAsync(blob, context);
            Assert.Equal(KmsError.None, error);
            Assert.Equal(1u, version);
            Assert.Equal(DataKey, plaintext);
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task AnotherContext_DoesNotOpen(string form)
    {
        (_, _, byte[] blob) = await Backend.WrapAsync(KeyId, Enum.Parse<EnvelopeForm>(form), Context(("bucket", "a")));
        Assert.Equal(KmsError.InvalidCiphertext, (await Backend.UnwrapAsync(blob, Context(("bucket", "b")))).Error);
        Assert.Equal(KmsError.InvalidCiphertext, (await Backend.UnwrapAsync(blob, Context(("bucke", "a")))).Error);
    }

    [Fact]
    public async Task EmptyContext_OpensRustFsForm_AndNoBoundEnvelope()
    {
        EncryptionContext context = Context(("bucket", "a"));
        (_, _, byte[] rustFs) = await Backend.WrapAsync(KeyId, EnvelopeForm.RustFs, context);
        (_, _, byte[] bound) = await Backend.WrapAsync(KeyId, EnvelopeForm.Bound, context);
        Assert.Equal(DataKey, (await Backend.UnwrapAsync(rustFs)).Plaintext);
        Assert.Equal(WritesBoundForm ? KmsError.InvalidCiphertext : KmsError.None, (await Backend.UnwrapAsync(bound)).Error);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task TamperedEnvelope_DoesNotOpen(string form)
    {
        (_, _, byte[] blob) = await Backend.WrapAsync(KeyId, Enum.Parse<EnvelopeForm>(form));
        Assert.True(Envelope.TryParse(blob, out Envelope? good));
        foreach (byte[] part in (byte[][])[good.EncryptedKey, good.Nonce])
        {
            for (int i = 0; i < part.Length; i++)
            {
                part[i] ^= 0x10;
                Assert.Equal(KmsError.InvalidCiphertext, (await Backend.UnwrapAsync(good)).Error);
                part[i] ^= 0x10;
            }
        }

        Assert.Equal(DataKey, (await Backend.UnwrapAsync(good)).Plaintext);
    }

    [Fact]
    public async Task BoundEnvelope_OfAVersionThatIsNot_DoesNotOpen()
    {
        (_, _, byte[] blob) = await Backend.WrapAsync(KeyId);
        Assert.True(Envelope.TryParse(blob, out Envelope? good));
        Envelope other = new()
        {
            DataKeyId = good.DataKeyId,
            MasterKeyId = good.MasterKeyId,
            KeySpec = good.KeySpec,
            EncryptedKey = good.EncryptedKey,
            Nonce = good.Nonce,
            Context = good.Context,
            CreatedAt = good.CreatedAt,
            MasterKeyVersion = 2,
            Form = EnvelopeForm.Bound,
        };
        Assert.Equal(KmsError.InvalidCiphertext, (await Backend.UnwrapAsync(other)).Error);
    }

    [Theory]
    [InlineData("unknown-key")]
    [InlineData("../contract-key")]
    [InlineData("")]
    public async Task UnknownKey_IsNotFound(string keyId)
    {
        (KmsError error, _, byte[] blob) = await Backend.WrapAsync(keyId);
        Assert.Equal(KmsError.KeyNotFound, error);
        Assert.Empty(blob);
        Assert.Equal((KmsError.KeyNotFound, null), await Backend.FindAsync(keyId));
        Assert.False(await Backend.HoldsAsync(keyId));
    }

    [Fact]
    public async Task EnvelopeOfAnUnknownKey_IsJustInvalid()
    {
        (_, _, byte[] blob) = await Backend.WrapAsync(KeyId, EnvelopeForm.RustFs);
        byte[] renamed = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(blob).Replace(Key, "unknown-key", StringComparison.Ordinal));
        Assert.Equal(KmsError.InvalidCiphertext, (await Backend.UnwrapAsync(renamed)).Error);
    }

    [Fact]
    public async Task HeldKey_IsFoundAndListed()
    {
        (KmsError error, KeyDescription? key) = await Backend.FindAsync(KeyId);
        Assert.Equal(KmsError.None, error);
        Assert.Equal(KeyId, key!.KeyId);
        Assert.Equal(KeyState.Enabled, key.State);
        Assert.True(ZonedTimestamp.TryParse(key.CreatedAt, out _));
        Assert.True(await Backend.HoldsAsync(KeyId));
        Assert.Contains(KeyId, (await Backend.ListAsync()).Ids);
        Assert.Equal(Backend.KeyCount ?? (await Backend.ListAsync()).Ids.Length, (await Backend.ListAsync()).Ids.Length);
    }

    [Fact]
    public async Task List_BeginsAfterTheMarker()
    {
        Assert.Contains(KeyId, (await Backend.ListAsync(marker: "contract-kex")).Ids);
        Assert.DoesNotContain(KeyId, (await Backend.ListAsync(marker: KeyId)).Ids);
        (string[] none, string? next) = await Backend.ListAsync(limit: 0);
        Assert.Empty(none);
        Assert.Null(next);
    }

    [Fact]
    public async Task CreateOfAHeldKey_IsRefused() => Assert.Equal(KmsError.KeyExists, await Backend.CreateErrorAsync(KeyId));

    /// <summary>Every state and every operation: what the key is afterwards, or why not. The rules themselves: <see cref="KeyRules"/>.</summary>
    public static TheoryData<string, string, string> States => new()
    {
        { "", "wrap", "Enabled" },
        { "", "rotate", "Enabled" },
        { "", "enable", "Enabled" },
        { "", "disable", "Disabled" },
        { "", "schedule", "PendingDeletion" },
        { "", "cancel", "KeyNotPendingDeletion" },
        { "", "tag", "Enabled" },
        { "", "destroy", "gone" },
        { "disable", "wrap", "KeyDisabled" },
        { "disable", "rotate", "KeyDisabled" },
        { "disable", "enable", "Enabled" },
        { "disable", "disable", "Disabled" },
        { "disable", "schedule", "PendingDeletion" },
        { "disable", "cancel", "KeyNotPendingDeletion" },
        { "disable", "tag", "Disabled" },
        { "disable", "destroy", "gone" },
        { "schedule", "wrap", "KeyPendingDeletion" },
        { "schedule", "rotate", "KeyPendingDeletion" },
        { "schedule", "enable", "KeyPendingDeletion" },
        { "schedule", "disable", "KeyPendingDeletion" },
        { "schedule", "schedule", "KeyPendingDeletion" },
        { "schedule", "cancel", "Enabled" },
        { "schedule", "tag", "PendingDeletion" },
        { "schedule", "destroy", "gone" },
        { "destroy", "wrap", "KeyNotFound" },
        { "destroy", "rotate", "KeyNotFound" },
        { "destroy", "enable", "KeyNotFound" },
        { "destroy", "disable", "KeyNotFound" },
        { "destroy", "schedule", "KeyNotFound" },
        { "destroy", "cancel", "KeyNotFound" },
        { "destroy", "tag", "KeyNotFound" },
        { "destroy", "destroy", "KeyNotFound" },
    };

    [Theory]
    [MemberData(nameof(States))]
    public async Task StateAndOperation(string before, string operation, string expected)
    {
        if (!Backend.Capabilities.EnableDisable)
        {
            Assert.Equal(operation == "wrap" ? "Enabled" : nameof(KmsError.Unsupported), await DoAsync(KeyId, operation));
            return;
        }

        string key = $"state-{Guid.NewGuid():N}";
        await Backend.CreateAsync(key);
        byte[] given = (await Backend.WrapAsync(key)).Blob;
        if (before.Length > 0)
        {
            await DoAsync(key, before);
        }

        Assert.Equal(expected, await DoAsync(key, operation));
        bool isThere = await Backend.HoldsAsync(key);
        Assert.Equal(before != "destroy" && operation != "destroy", isThere);
        Assert.Equal(isThere ? KmsError.None : KmsError.InvalidCiphertext, (await Backend.UnwrapAsync(given)).Error);
    }

    /// <summary>A sweeper may know an older state than the record, which another node writes too.</summary>
    [Fact]
    public async Task KeyWhoseDeletionIsNotDue_IsNotDestroyedAsIfItWere()
    {
        if (!Backend.Capabilities.PhysicalDelete)
        {
            return;
        }

        const string Doomed = "not-due-key";
        DateTimeOffset due = DateTimeOffset.UtcNow.AddDays(8);
        await Backend.CreateAsync(Doomed);
        await RefusesAsync(due);
        await Backend.ChangeAsync(Doomed, new KeyChange.ScheduleDeletion(due));
        await RefusesAsync(due.AddDays(-1));
        await Backend.DestroyAsync(Doomed, ifDueBy: due.AddSeconds(1));
        Assert.False(await Backend.HoldsAsync(Doomed));

        async Task RefusesAsync(DateTimeOffset by)
        {
            KmsException refused = await Assert.ThrowsAsync<KmsException>(() => Backend.DestroyAsync(Doomed, by));
            Assert.Equal(KmsError.KeyNotPendingDeletion, refused.Error);
            Assert.True(await Backend.HoldsAsync(Doomed));
        }
    }

    [Fact]
    public async Task Rotation_KeepsEveryVersion_AndWrapsUnderTheNewest()
    {
        if (!Backend.Capabilities.Rotate)
        {
            Assert.Equal(nameof(KmsError.Unsupported), await DoAsync(KeyId, "rotate"));
            return;
        }

        string key = $"rotated-{Guid.NewGuid():N}";
        await Backend.CreateAsync(key);
        List<(uint Version, byte[] Blob)> given = [];
        for (int i = 0; i < 3; i++)
        {
            foreach (EnvelopeForm form in Enum.GetValues<EnvelopeForm>())
            {
                (_, uint version, byte[] blob) = await Backend.WrapAsync(key, form);
                given.Add((version, blob));
            }

            await Backend.RotateAsync(key);
        }

        Assert.Equal([1u, 1u, 2u, 2u, 3u, 3u], given.Select(static one => one.Version));
        foreach ((uint version, byte[] blob) in given)
        {
            (KmsError error, uint opened, byte[] plaintext) = await Backend.UnwrapAsync(blob);
            Assert.Equal((KmsError.None, version), (error, opened));
            Assert.Equal(DataKey, plaintext);
        }
    }

    [Fact]
    public async Task Health_IsGood()
    {
        await Backend.CheckHealthAsync(TestContext.Current.CancellationToken);
        Assert.Empty(Backend.Unreadable);
    }

    /// <summary>What became of the key, or the error.</summary>
    private async Task<string> DoAsync(string key, string operation)
    {
        try
        {
            switch (operation)
            {
                case "wrap":
                    KmsError error = (await Backend.WrapAsync(key)).Error;
                    return error == KmsError.None ? nameof(KeyState.Enabled) : error.ToString();
                case "rotate":
                    return (await Backend.RotateAsync(key)).State.ToString();
                case "destroy":
                    await Backend.DestroyAsync(key);
                    return "gone";
                default:
                    return (await Backend.ChangeAsync(key, Change(operation))).State.ToString();
            }
        }
        catch (KmsException refused)
        {
            return refused.Error.ToString();
        }
    }

    private static KeyChange Change(string operation) => operation switch
    {
        "enable" => new KeyChange.Enable(),
        "disable" => new KeyChange.Disable(),
        "schedule" => new KeyChange.ScheduleDeletion(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero)),
        "cancel" => new KeyChange.CancelDeletion(),
        _ => new KeyChange.Tag(Tags.None.Add("a", "1")),
    };
}
