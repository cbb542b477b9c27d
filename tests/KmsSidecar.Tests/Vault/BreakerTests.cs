using KmsSidecar.Doubles;
using KmsSidecar.Doubles.Faults;
using KmsSidecar.Vault;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace KmsSidecar.Tests.Vault;

/// <summary>When a server is left alone, and when it is asked again.</summary>
public sealed class BreakerTests
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _clock = ClientUnderTest.NewClock();

    [Fact]
    public void FiveFailuresInARow_OpenIt_AndOneProbeDecides()
    {
        CircuitBreaker breaker = new(_clock, Period);
        for (int i = 1; i <= 5; i++)
        {
            Assert.True(breaker.TryEnter(out bool isProbe));
            Assert.False(isProbe);
            Assert.Equal(i == 5, breaker.Failed(isProbe, $"failure {i}"));
        }

        Assert.Equal((CircuitState.Open, "failure 5", Period), (breaker.State, breaker.LastFailure, breaker.Remaining));
        Assert.False(breaker.TryEnter(out _));

        _clock.Advance(Period);
        Assert.Equal(CircuitState.HalfOpen, breaker.State);
        Assert.True(breaker.TryEnter(out bool first));
        Assert.True(first);
        Assert.False(breaker.TryEnter(out _));
        Assert.True(breaker.Failed(first, "probe"));
        Assert.Equal(CircuitState.Open, breaker.State);

        _clock.Advance(Period);
        Assert.True(breaker.TryEnter(out bool second));
        Assert.True(breaker.Succeeded());
        Assert.True(second);
        Assert.Equal(CircuitState.Closed, breaker.State);
        Assert.True(breaker.TryEnter(out bool third));
        Assert.False(third);
    }

    [Fact]
    public void SuccessBetweenFailures_StartsTheCountAnew()
    {
        CircuitBreaker breaker = new(_clock, Period);
        for (int i = 0; i < 20; i++)
        {
            Assert.False(breaker.Failed(isProbe: false, "x"));
            if (i % 4 == 3)
            {
                Assert.False(breaker.Succeeded());
            }
        }

        Assert.Equal(CircuitState.Closed, breaker.State);
    }

    [Fact]
    public void AbandonedProbe_LeavesTheDecisionToTheNext()
    {
        CircuitBreaker breaker = Opened();
        _clock.Advance(Period);

        Assert.True(breaker.TryEnter(out bool isProbe));
        breaker.Abandoned(isProbe);

        Assert.True(breaker.TryEnter(out bool next));
        Assert.True(next);
    }

    [Fact]
    public void FailureOfACallFromBefore_ChangesNothing()
    {
        CircuitBreaker breaker = Opened();
        _clock.Advance(Period / 2);

        Assert.False(breaker.Failed(isProbe: false, "late"));
        breaker.Abandoned(isProbe: false);

        Assert.Equal((Period / 2, "x"), (breaker.Remaining, breaker.LastFailure));
    }

    [Fact]
    public async Task OpeningInMidCall_EndsTheCall_AndTheNextOnesAreNotSent()
    {
        await using ScriptedServer server = new(static _ => ScriptedServer.Errors(500, "x"));
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(server.Address);

        using VaultAnswer first = await test.SendPassingTimeAsync();
        using VaultAnswer second = await test.SendPassingTimeAsync();
        using VaultAnswer third = await test.SendAsync();

        Assert.Equal((VaultFault.ServerError, VaultFault.ServerError, VaultFault.CircuitOpen), (first.Fault, second.Fault, third.Fault));
        Assert.Equal(5, server.Requests.Count);
        Assert.Contains("is left alone for 30 s", third.Sentence);
        Assert.Contains("failed with status 500", third.Sentence);
        Assert.Equal((CircuitState.Open, CircuitState.Closed, 1), (test.Client.Status.Operations, test.Client.Status.Credentials, test.Client.Status.Opened));
        Assert.Single(test.Log.Lines, static line => line.Text.Contains("is left alone"));
    }

    [Fact]
    public async Task VaultThatComesBack_IsUsedWithinOnePeriod()
    {
        await using VaultDouble vault = await VaultDouble.StartAsync(new VaultDoubleOptions { Clock = _clock });
        vault.Admin.EnableTransit();
        vault.Admin.CreateTransitKey("k");
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(
            new VaultSettings { Address = vault.Address, Auth = ClientUnderTest.TokenAuth(vault.RootToken) }, _clock);

        await vault.StopAsync();
        using (VaultAnswer down = await test.SendPassingTimeAsync())
        using (VaultAnswer stillDown = await test.SendPassingTimeAsync())
        {
            Assert.Equal((VaultFault.Unreachable, VaultFault.Unreachable), (down.Fault, stillDown.Fault));
        }

        _clock.Advance(Period);
        using (VaultAnswer probe = await test.SendPassingTimeAsync())
        using (VaultAnswer after = await test.SendAsync())
        {
            Assert.Equal((VaultFault.Unreachable, VaultFault.CircuitOpen), (probe.Fault, after.Fault));
        }

        await vault.StartAgainAsync();
        _clock.Advance(Period);
        using VaultAnswer back = await test.SendAsync();

        Assert.Equal(VaultFault.None, back.Fault);
        Assert.Contains("answers again (operations)", test.Log.Text);
    }

    [Fact]
    public async Task WhileTheProbeIsUnderWay_OthersAreNotSent()
    {
        await using ScriptedServer server = new(static _ => ScriptedServer.Errors(500, "x"));
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(server.Address);
        using VaultAnswer first = await test.SendPassingTimeAsync();
        using VaultAnswer second = await test.SendPassingTimeAsync();
        server.Answer = static _ => ScriptedServer.Hang;
        test.Clock.Advance(Period);

        Task<VaultAnswer> probing = test.SendAsync();
        await test.UntilAsync(() => server.Requests.Count == 6);
        using VaultAnswer other = await test.SendAsync();
        using VaultAnswer probe = await ClientUnderTest.PassingTimeAsync(test.Clock, probing, step: 1);

        Assert.Equal((VaultFault.CircuitOpen, VaultFault.TimedOut), (other.Fault, probe.Fault));
        Assert.Equal(6, server.Requests.Count);
    }

    [Fact]
    public async Task OperationsBeyondTheSlots_Wait_BeyondThePlacesAreRefused_AndCredentialsHaveTheirOwn()
    {
        await using VaultDouble vault = await VaultDouble.StartAsync(new VaultDoubleOptions { Clock = _clock });
        (string roleId, string secretId) = vault.Admin.CreateAppRole("r", ["default"], ttl: TimeSpan.FromSeconds(20));
        VaultSettings settings = new()
        {
            Address = vault.Address,
            Auth = new VaultAuth.AppRole(roleId, ClientUnderTest.Secret(secretId)),
            Timeout = ClientUnderTest.LongTimeout,
        };
        await using ClientUnderTest test = await ClientUnderTest.OpenAsync(settings, _clock);
        vault.Faults.Add(Fault.Hang("transit/*"));

        Task<VaultAnswer>[] calls = [.. Enumerable.Range(0, 63 + VaultPolicy.MaxWaiting).Select(_ => test.SendAsync())];
        await vault.Requests.WaitForAsync(63, "transit/*", cancellation: TestContext.Current.CancellationToken);
        await test.UntilAsync(() => test.Client.Status is { InFlight: 63, Queued: VaultPolicy.MaxWaiting });
        using VaultAnswer refused = await test.SendAsync();
        _clock.Advance(TimeSpan.FromSeconds(10));
        await test.UntilAsync(() => vault.Requests.Count("auth/token/renew-self") > 0, step: 0.01);

        Assert.Equal(VaultFault.Overloaded, refused.Fault);
        Assert.Contains($"{VaultPolicy.MaxWaiting} calls wait", refused.Sentence);
        Assert.Equal(63, vault.Requests.Count("transit/*"));
        Assert.All(calls, static call => Assert.False(call.IsCompleted));

        vault.Faults.Clear();
        foreach (VaultAnswer answer in await Task.WhenAll(calls))
        {
            // The default policy grants nothing there.
            Assert.Equal(VaultFault.PolicyDenied, answer.Fault);
            answer.Dispose();
        }

        Assert.Equal(63 + VaultPolicy.MaxWaiting, vault.Requests.Count("transit/*"));
    }

    [Fact]
    public async Task CallWhoseTurnComesTooLate_IsNotSent_AndTheServerIsNotToBlame()
    {
        await using VaultDouble vault = await VaultDouble.StartAsync();
        using VaultSettings settings = TenSecondsOnce(vault);
        using VaultTransport transport = new(settings, _clock, NullLogger.Instance);
        using Bulkhead slot = new(1, 1);
        VaultPipeline pipeline = new("operations", settings, transport, slot, new VaultCounters(), _clock, NullLogger.Instance);

        using VaultAnswer answer = await await SendLateAsync(pipeline, slot, afterSeconds: 9.5);

        Assert.Equal(VaultFault.Overloaded, answer.Fault);
        Assert.Contains("had no turn at Vault", answer.Sentence);
        Assert.Equal((0, 0), (vault.Requests.Count("*"), slot.InFlight));
        Assert.Equal(CircuitState.Closed, pipeline.Breaker.State);
    }

    [Fact]
    public async Task CallsThatSpentTheirTimeWaiting_AndTimeOut_DoNotOpenTheBreaker()
    {
        await using VaultDouble vault = await VaultDouble.StartAsync();
        vault.Faults.Add(Fault.Hang("sys/*"));
        using VaultSettings settings = TenSecondsOnce(vault);
        using VaultTransport transport = new(settings, _clock, NullLogger.Instance);
        using Bulkhead slot = new(1, 1);
        VaultPipeline pipeline = new("operations", settings, transport, slot, new VaultCounters(), _clock, NullLogger.Instance);
        for (int i = 1; i <= VaultPolicy.BreakingFailures + 1; i++)
        {
            Task<VaultAnswer> late = await SendLateAsync(pipeline, slot, afterSeconds: 7);
            await vault.Requests.WaitForAsync(i, "sys/*", cancellation: TestContext.Current.CancellationToken);
            _clock.Advance(TimeSpan.FromSeconds(3));
            using VaultAnswer answer = await late;
            Assert.Equal(VaultFault.TimedOut, answer.Fault);
        }

        Assert.Equal(CircuitState.Closed, pipeline.Breaker.State);
    }

    private static VaultSettings TenSecondsOnce(VaultDouble vault) =>
        new() { Address = vault.Address, Auth = ClientUnderTest.TokenAuth(), Timeout = TimeSpan.FromSeconds(10), Attempts = 1 };

    /// <summary>A call that has its turn after so long; it ends with the inner task.</summary>
    private async Task<Task<VaultAnswer>> SendLateAsync(VaultPipeline pipeline, Bulkhead slot, double afterSeconds)
    {
        Assert.True(await slot.TryEnterAsync(static () => new CancellationTokenSource(), TestContext.Current.CancellationToken));
        Task<VaultAnswer> late = pipeline.SendAsync(ClientUnderTest.Call("sys/health"), token: null, TestContext.Current.CancellationToken).AsTask();
        _clock.Advance(TimeSpan.FromSeconds(afterSeconds));
        slot.Leave();
        return late;
    }

    private CircuitBreaker Opened()
    {
        CircuitBreaker breaker = new(_clock, Period);
        for (int i = 0; i < VaultPolicy.BreakingFailures; i++)
        {
            breaker.Failed(isProbe: false, "x");
        }

        return breaker;
    }
}
