namespace KmsSidecar.RustFs;

/// <summary>RustFS could not be asked, or refuses. The message is one printable line for operators, with the mend where there is one.</summary>
internal sealed class RustFsException(string message, Exception? inner = null) : Exception(message, inner);
