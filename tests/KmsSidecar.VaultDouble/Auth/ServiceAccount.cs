namespace KmsSidecar.Doubles.Auth;

/// <summary>Whom a Kubernetes token speaks for.</summary>
internal sealed record ServiceAccount(string Namespace, string Name);
