using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Operations;
using KmsSidecar.Tests.Lifecycle;
using KmsSidecar.Tests.Storage;
using KmsSidecar.Tests.Support;
using Xunit;

namespace KmsSidecar.Tests.Operations;

/// <summary>Changes of keys, what guards them, and what the log says of them.</summary>
public sealed class KeyAdministrationTests : IAsyncLifetime
{
    private readonly TempDirectory _directory = new();
    private readonly SteeredClock _clock = new();
    private readonly ServiceUnderTest _service;

    public KeyAdministrationTests() => _service = new ServiceUnderTest(_directory.FullPath, clock: _clock);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await _service.RunAsync("/k");
        await _service.CreateKeyAsync("app");
    }

    public ValueTask DisposeAsync()
    {
        _service.Dispose();
        _directory.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task EveryChange_IsOneLine_WithoutTheTextThatWasSent()
    {
        int before = _service.Log.Lines.Count();
        KeyAdministration keys = _service.Administration;
        await ChangeAsync("app", new KeyChange.Disable());
        await ChangeAsync("alias/app", new KeyChange.Enable());
        await ChangeAsync("arn:aws:kms:us-east-1:000000000000:key/app", new KeyChange.Describe("marker"));
        await ChangeAsync("app", new KeyChange.Tag(Tags.None.Add("marker", "marker")));
        await ChangeAsync("app", new KeyChange.Untag(["marker"]));
        await keys.ScheduleDeletionAsync("app", null, ServiceUnderTest.Operator, Cancellation);
        await ChangeAsync("app", new KeyChange.CancelDeletion());
        await keys.DestroyAsync("app", "app", ServiceUnderTest.Operator, Cancellation);

        Assert.Equal(
            [
                "key app disabled",
                "key app enabled",
                "description of key app changed",
                "tags of key app set",
                "tags of key app removed",
                "key app will be destroyed after 2026-01-31T00:00:00+00:00[UTC]",
                "deletion of key app cancelled",
                "key app destroyed at once",
            ],
            _service.Log.Lines.Skip(before).Select(static line => line.Text.Replace(", by access key tester from 127.0.0.1 ", "")));
    }

    [Theory]
    [InlineData(6, false)]
    [InlineData(7, true)]
    [InlineData(30, true)]
    [InlineData(31, false)]
    [InlineData(0, false)]
    public async Task Window_IsSevenToThirtyDays(long days, bool isTaken)
    {
        Task<KeyDescription> scheduled = _service.Administration.ScheduleDeletionAsync("app", days, ServiceUnderTest.Operator, Cancellation);
        if (isTaken)
        {
            Assert.Equal(ZonedTimestamp.Format(_clock.GetUtcNow().AddDays(days)), (await scheduled).DeletionDate);
            return;
        }

        KmsException refused = await Assert.ThrowsAsync<KmsException>(() => scheduled);
        Assert.Equal((KmsError.MalformedRequest, "pending_window_in_days must be between 7 and 30"), (refused.Error, refused.Message));
    }

    [Theory]
    [InlineData(false, "app", "app", nameof(KmsError.ImmediateDeletionRefused))]
    [InlineData(true, "app", null, nameof(KmsError.ImmediateDeletionRefused))]
    [InlineData(true, "app", "App", nameof(KmsError.ImmediateDeletionRefused))]
    [InlineData(true, "alias/app", "alias/app", nameof(KmsError.ImmediateDeletionRefused))]
    [InlineData(true, "master", "master", nameof(KmsError.KeyStillReferenced))]
    [InlineData(true, "default", "master", nameof(KmsError.KeyStillReferenced))]
    [InlineData(true, "nope", "nope", nameof(KmsError.KeyNotFound))]
    public async Task ImmediateDeletion_IsGuarded(bool isAllowed, string reference, string? confirmation, string error)
    {
        KeyAdministration keys = new(_service.Service, isAllowed, _clock, _service.Log);

        KmsException refused = await Assert.ThrowsAsync<KmsException>(
            () => keys.DestroyAsync(reference, confirmation, ServiceUnderTest.Operator, Cancellation));

        Assert.Equal(Enum.Parse<KmsError>(error), refused.Error);
        Assert.Equal(["app", "master"], _service.Place("/k").Material.Keys.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("app")]
    [InlineData("alias/app")]
    public async Task ImmediateDeletion_IsDone_WhenConfirmed(string reference)
    {
        Assert.Equal("app", await _service.Administration.DestroyAsync(reference, "app", ServiceUnderTest.Operator, Cancellation));
        Assert.Equal(["master"], _service.Place("/k").Material.Keys);
    }

    [Fact]
    public async Task DefaultKey_MayBeScheduled_ByAnyOfItsNames()
    {
        KeyDescription key = await _service.Administration.ScheduleDeletionAsync("default", 7, ServiceUnderTest.Operator, Cancellation);
        Assert.Equal(("master", KeyState.PendingDeletion), (key.KeyId, key.State));
    }

    private Task<KeyDescription> ChangeAsync(string reference, KeyChange change) =>
        _service.Administration.ChangeAsync(reference, change, ServiceUnderTest.Operator, Cancellation);
}
