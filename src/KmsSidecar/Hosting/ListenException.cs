namespace KmsSidecar.Hosting;

/// <summary>An address or a socket cannot be had; the message names it.</summary>
internal sealed class ListenException(string message, Exception? inner = null) : Exception(message, inner);
