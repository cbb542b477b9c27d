namespace KmsSidecar.Doubles.Core;

/// <summary>What a request does. Each is also the capability that a policy must grant for it.</summary>
internal enum Operation
{
    Create,
    Read,
    Update,
    Delete,
    List,
    Patch,
}
