using System.Collections.Immutable;
using KmsSidecar.Api;
using KmsSidecar.Api.AwsKms;
using KmsSidecar.Errors;
using KmsSidecar.Lifecycle;
using KmsSidecar.Observability;
using KmsSidecar.Tests.Support;
using Xunit;

namespace KmsSidecar.Tests.Api;

/// <summary>Rules that hold for every route, those to come included.</summary>
public sealed class RouteTableTests(RunningHost running) : IClassFixture<RunningHost>
{
    private static readonly Surface[] Surfaces = [Surface.Tcp, Surface.DataSocket, Surface.AdminSocket];

    private readonly TestHost _host = running.Host;

    [Fact]
    public void EveryRoute_HasAnActionAndLimits() => Assert.All(Table(), static route =>
    {
        bool changesNothing = route.Method == "GET" || route.Path.EndsWith("/livez");
        Assert.True(route.Action.IsPublic ? route.MaxBodyBytes == 0 && changesNothing : route.MaxBodyBytes > 0, route.Name);
        Assert.True(route.Action.IsPublic || route.Action.Name.StartsWith(route.Dialect == Dialect.Sts ? "sts:" : "kms:", StringComparison.Ordinal), route.Name);
        Assert.InRange(route.TimeLimit, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10));
        Assert.NotEqual(Surface.None, route.Surfaces);
        Assert.StartsWith("/", route.Path);
    });

    [Fact]
    public void Names_AreUnique() => Assert.Distinct(Table().Select(static route => route.Name));

    [Fact]
    public void EveryRoute_IsBehindTheDoorsOfItsKind() => Assert.All(Table(), static route => Assert.Equal(
        route.Path.StartsWith("/v1/", StringComparison.Ordinal) ? Surface.DataSocket
            : route.Dialect == Dialect.Sts ? Surface.Tcp
            : route.Dialect == Dialect.AwsKms ? Surface.Tcp | Surface.DataSocket
            : Surface.Tcp | Surface.AdminSocket,
        route.Surfaces));

    [Fact]
    public async Task EveryRouteOnTcp_NeedsASignatureUnlessPublic()
    {
        using ApiClient client = ApiClient.OverTcp(_host.Address, credentials: null);
        foreach (Route route in Table().Where(static route => route.Surfaces.HasFlag(Surface.Tcp)))
        {
            if (route.Operation is { } operation)
            {
                (await client.AwsAsync(operation["TrentService.".Length..], "{}")).ExpectAws(400, "MissingAuthenticationTokenException");
                continue;
            }

            Answer answer = await client.SendAsync(route.Method, Example(route));
            Assert.True((answer.Status == 403) != route.Action.IsPublic, $"{route.Name}: {answer.Status}");
        }
    }

    [Fact]
    public void EveryRoute_IsFoundOnItsSurfacesOnly()
    {
        Router router = new(Table());
        foreach ((Route route, int position) in router.Routes.Select(static (route, position) => (route, position)))
        {
            foreach (Surface surface in Surfaces)
            {
                KmsError error = router.Find(surface, route.Method, Example(route), route.Operation, out int index, out string? parameter);
                bool isThere = route.Surfaces.HasFlag(surface);
                Assert.True((error == KmsError.None) == isThere, $"{route.Name} on {surface}: {error}");
                Assert.True(!isThere || index == position, route.Name);
                Assert.True(!isThere || (parameter is not null) == route.HasParameter, route.Name);
            }
        }
    }

    [Fact]
    public async Task DataSocket_DoesNotServeAdminRoutes()
    {
        foreach (Route route in Table().Where(static route => !route.Surfaces.HasFlag(Surface.DataSocket)))
        {
            (await _host.Data.SendAsync(route.Method, Example(route))).ExpectFailure(404, "UnknownRoute", "there is no such route");
        }
    }

    [Fact]
    public async Task AdminSocket_DoesNotServeDataRoutes()
    {
        foreach (Route route in Table().Where(static route => !route.Surfaces.HasFlag(Surface.AdminSocket)))
        {
            (await _host.Admin.SendAsync(route.Method, Example(route))).ExpectFailure(404, "UnknownRoute", "there is no such route");
        }
    }

    [Fact]
    public void MinioPrefix_ReachesEveryAdminRoute()
    {
        Router router = new(Table());
        foreach (Route route in router.Routes.Where(static route => route.Path.StartsWith(RouteTable.AdminPrefix, StringComparison.Ordinal)))
        {
            string alias = Example(route).Replace(RouteTable.AdminPrefix, "/minio/admin/v3");
            Assert.Equal(KmsError.None, router.Find(Surface.Tcp, route.Method, alias, operation: null, out int index, out _));
            Assert.Same(route, router.Routes[index]);
        }
    }

    /// <summary>The table with handlers that are never called.</summary>
    private static ImmutableArray<Route> Table()
    {
        KmsService service = null!;
        return RouteTable.Build(
            new LifecycleRoutes(service, null!),
            new StatusRoutes(service, TimeProvider.System),
            new DiffRoutes(service, null!),
            new KeyRoutes(service, null!),
            new KeyChangeRoutes(service, null!),
            new DataKeyRoutes(service),
            new RewrapRoutes(service),
            new PolicyRoutes(service, null!, TimeProvider.System),
            new UserRoutes(null!, null!),
            new StsRoutes(null!, null!),
            new AwsKmsRoutes(new AwsDataKeys(service, null!), new AwsKeys(service, null!, null!), new AwsLists(service, null!), new BackendWait(service, TimeProvider.System, TimeSpan.Zero)),
            new HealthRoutes(null!, new Metrics()));
    }

    private static string Example(Route route) => route.Path.Replace("{key_id}", "some-key").Replace("{name}", "some-policy").Replace("{access_key}", "some-user");
}
