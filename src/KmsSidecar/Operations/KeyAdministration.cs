using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;

namespace KmsSidecar.Operations;

/// <summary>What operators do to the keys of the active backend, one change at a time. Former backends are decrypt-only: nothing in them is changed.</summary>
internal sealed class KeyAdministration(KmsService service, ILoggerFactory logs)
{
    private readonly ILogger _log = logs.CreateLogger("rustfs::kms::keys");

    public Task<KeyDescription> CreateAsync(NewKey request, Actor actor, CancellationToken cancellation) => service.ChangeKeysAsync(
        async snapshot =>
        {
            KeyDescription key = await snapshot.Backends[0].Backend!.CreateAsync(request, cancellation);
            KeyLog.Created(_log, key.KeyId, actor.Who, actor.From);
            return key;
        },
        cancellation);
}
