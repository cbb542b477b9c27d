using System.Text;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Sharing;

namespace KmsSidecar.Vault;

/// <summary>One token, and what is known of its life. Its bytes are wiped after the last of those who send with it.</summary>
/// <remarks>Thread-safe. Each <see cref="TryUse"/> that succeeds, and the maker, call <see cref="Release"/> once.</remarks>
internal sealed class VaultToken
{
    /// <summary>Vault's batch tokens grow with the policies' names in them.</summary>
    public const int MaxBytes = 8 * 1024;

    private readonly ReferenceCount _users = new();
    private readonly SecretBytes _value;
    private volatile TokenLife _life;

    /// <param name="value">Taken over.</param>
    /// <param name="generation">Counts the tokens of a client; the first is 1.</param>
    /// <exception cref="KmsException">BackendRejected: it is no token. The value is wiped.</exception>
    public VaultToken(SecretBytes value, long generation, TokenLife life)
    {
        // It stands in a header as it is.
        if (value.Length is 0 or > MaxBytes || value.Span.ContainsAnyExceptInRange((byte)'!', (byte)'~'))
        {
            value.Dispose();
            throw new KmsException(KmsError.BackendRejected, "what should be a Vault token is empty, too long, or not printable ASCII");
        }

        _value = value;
        Generation = generation;
        _life = life;
    }

    public long Generation { get; }

    public TokenLife Life
    {
        get => _life;
        set => _life = value;
    }

    /// <summary>False when it has been replaced and wiped already.</summary>
    public bool TryUse() => _users.TryAdd();

    public void Release()
    {
        if (_users.Release())
        {
            _value.Dispose();
        }
    }

    /// <summary>For the header of one request. <see cref="HttpClient"/> takes strings only, which cannot be wiped: it is made when the request is, and
    /// kept nowhere.</summary>
    public string ToHeader() => Encoding.ASCII.GetString(_value.Span);

    /// <summary>Whether somebody repeats it.</summary>
    public bool IsIn(ReadOnlySpan<byte> text) => text.IndexOf(_value.Span) >= 0;
}

/// <summary>How long a token lives, by the steady clock: a wall clock that is set does not end it.</summary>
/// <param name="Since">Timestamp of when it was learned.</param>
/// <param name="Ttl">From then; null when it never ends, or nobody says.</param>
/// <param name="Granted">What it had when it was made, or a moment later: a renewal that gives less meets its maximum.</param>
internal sealed record TokenLife(long Since, TimeSpan? Ttl, TimeSpan? Granted, bool IsRenewable)
{
    /// <summary>Null when it never ends; not below zero.</summary>
    public TimeSpan? LeftAt(TimeProvider clock)
    {
        if (Ttl is not { } ttl)
        {
            return null;
        }

        TimeSpan left = ttl - clock.GetElapsedTime(Since);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
