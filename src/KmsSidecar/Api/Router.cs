using System.Collections.Immutable;
using KmsSidecar.Errors;

namespace KmsSidecar.Api;

/// <summary>Finds the route of a request by the exact method and path that were sent.</summary>
internal sealed class Router
{
    private const string MinioPrefix = "/minio/admin/v3/";

    private readonly Dictionary<string, List<int>> _exact = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<int>> _byParent = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _operations = new(StringComparer.Ordinal);

    public Router(ImmutableArray<Route> routes)
    {
        Routes = routes;
        for (int i = 0; i < routes.Length; i++)
        {
            if (routes[i].Operation is { } operation)
            {
                _operations.Add(operation, i);
                continue;
            }

            (Dictionary<string, List<int>> index, string key) = routes[i].HasParameter
                ? (_byParent, routes[i].Path[..routes[i].Path.LastIndexOf('/')])
                : (_exact, routes[i].Path);
            if (!index.TryGetValue(key, out List<int>? sharing))
            {
                index[key] = sharing = [];
            }

            sharing.Add(i);
        }
    }

    public ImmutableArray<Route> Routes { get; }

    /// <param name="method">As sent. <c>HEAD</c> finds what <c>GET</c> does (RFC 9110, 9.3.2).</param>
    /// <param name="operation">Null where the caller does not speak <see cref="Dialect.AwsKms"/>; of all paths, only <c>/</c> has any.</param>
    /// <param name="index">Index of the route in <see cref="Routes"/>.</param>
    /// <param name="parameter">The segment that stands for the one in braces, as sent.</param>
    /// <returns>UnknownRoute, or MethodNotAllowed when the path is there for another method.</returns>
    public KmsError Find(Surface surface, string method, string path, string? operation, out int index, out string? parameter)
    {
        parameter = null;
        if (operation is not null && path == "/" && method == HttpMethods.Post)
        {
            return FindOperation(surface, operation, out index);
        }

        if (path.StartsWith(MinioPrefix, StringComparison.Ordinal))
        {
            path = $"{RouteTable.AdminPrefix}/{path[MinioPrefix.Length..]}";
        }

        method = HttpMethods.IsHead(method) ? HttpMethods.Get : method;
        KmsError error = Match(_exact.GetValueOrDefault(path), surface, method, out index);
        if (error == KmsError.None)
        {
            return error;
        }

        int slash = path.LastIndexOf('/');
        if (slash > 0 && slash < path.Length - 1 && _byParent.TryGetValue(path[..slash], out List<int>? parents))
        {
            KmsError byParent = Match(parents, surface, method, out index);
            if (byParent == KmsError.None)
            {
                parameter = path[(slash + 1)..];
            }

            return byParent == KmsError.UnknownRoute ? error : byParent;
        }

        return error;
    }

    /// <summary>What the <c>Allow</c> header of a 405 lists.</summary>
    public IEnumerable<string> MethodsOf(Surface surface, string path) => Routes
        .Select(static route => route.Method)
        .Append(HttpMethods.Head)
        .Distinct()
        .Where(method => Find(surface, method, path, operation: null, out _, out _) == KmsError.None)
        .Order(StringComparer.Ordinal);

    /// <summary>What is not there is a route too, if there is one: <see cref="Route.OtherOperation"/>.</summary>
    private KmsError FindOperation(Surface surface, string operation, out int index)
    {
        bool isThere = (_operations.TryGetValue(operation, out index) || _operations.TryGetValue(Route.OtherOperation, out index))
            && Routes[index].Surfaces.HasFlag(surface);
        return isThere ? KmsError.None : KmsError.UnknownRoute;
    }

    private KmsError Match(List<int>? candidates, Surface surface, string method, out int index)
    {
        index = -1;
        KmsError error = KmsError.UnknownRoute;
        foreach (int candidate in candidates ?? [])
        {
            Route route = Routes[candidate];
            if ((route.Surfaces & surface) == 0)
            {
                continue;
            }

            if (route.Method == method)
            {
                index = candidate;
                return KmsError.None;
            }

            error = KmsError.MethodNotAllowed;
        }

        return error;
    }
}
