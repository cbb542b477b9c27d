namespace KmsSidecar.Configuration;

/// <summary>What a change of a field asks of the backend. Ordered: each includes those before it.</summary>
internal enum BackendEffect
{
    None,

    /// <summary>The same keys, opened anew.</summary>
    Reopen,

    /// <summary>Other keys: the former backend is needed for what it wrapped.</summary>
    OtherKeys,
}

/// <summary>What a field's change asks of each kind of backend; null where that kind does not take the field.</summary>
internal sealed class BackendEffects
{
    private readonly BackendEffect?[] _effects = new BackendEffect?[Enum.GetValues<BackendType>().Length];

    public BackendEffect? this[BackendType backend]
    {
        get => _effects[(int)backend];
        init => _effects[(int)backend] = value;
    }

    public static BackendEffects OnAll(BackendEffect effect) => OnVault(effect, effect);

    public static BackendEffects OnVault(BackendEffect effect, BackendEffect? others) => new()
    {
        [BackendType.Local] = others,
        [BackendType.Static] = others,
        [BackendType.Vault] = effect,
        [BackendType.VaultTransit] = effect,
        [BackendType.VaultKv2] = effect,
    };
}
