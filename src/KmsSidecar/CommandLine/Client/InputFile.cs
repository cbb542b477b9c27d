using System.Text.Json;
using KmsSidecar.Crypto;
using KmsSidecar.Storage;

namespace KmsSidecar.CommandLine.Client;

/// <summary>A file that a command is told to read; <c>-</c> for standard input.</summary>
internal static class InputFile
{
    /// <summary>What the daemon takes at most.</summary>
    private const int MaxBytes = 1024 * 1024;

    private static readonly string[] SecretMembers = ["master_key", "token", "secret_id", "wrapping_token"];

    /// <summary>A JSON document. One with a secret in it must be its owner's alone.</summary>
    /// <returns>The caller's to wipe.</returns>
    /// <exception cref="CommandFault">There is no such file, or it cannot be used.</exception>
    public static SecretBuffer ReadDocument(string path)
    {
        (SecretBuffer text, string? openToOthers) = Read(path);
        try
        {
            return HasSecret(text.WrittenSpan) && openToOthers is not null
                ? throw new CommandFault(ExitCode.NoPermission, $"there is a secret in it, and {openToOthers}")
                : text;
        }
        catch (JsonException odd)
        {
            text.Dispose();
            throw new CommandFault(
                ExitCode.Refused, $"{Name(path)} is not JSON: look at line {odd.LineNumber + 1}, column {odd.BytePositionInLine + 1}", inner: odd);
        }
        catch
        {
            text.Dispose();
            throw;
        }
    }

    /// <summary>A secret: one line, in a file that is its owner's alone.</summary>
    /// <returns>The caller's to wipe; without the end of the line.</returns>
    /// <exception cref="CommandFault">As <see cref="ReadDocument"/>; nor is there anything but one line.</exception>
    public static SecretBuffer ReadSecret(string path)
    {
        (SecretBuffer text, string? openToOthers) = Read(path);
        using (text)
        {
            ReadOnlySpan<byte> line = text.WrittenSpan.TrimEnd("\r\n"u8);
            if (openToOthers is not null || line.IsEmpty || line.Contains((byte)'\n'))
            {
                throw openToOthers is null
                    ? new CommandFault(ExitCode.Refused, $"{Name(path)}: expected one line, the secret")
                    : new CommandFault(ExitCode.NoPermission, openToOthers);
            }

            SecretBuffer secret = new();
            line.CopyTo(secret.GetSpan(line.Length));
            secret.Advance(line.Length);
            return secret;
        }
    }

    private static string Name(string path) => path == "-" ? "standard input" : path;

    private static (SecretBuffer Text, string? OpenToOthers) Read(string path)
    {
        if (path == "-")
        {
            using Stream input = Console.OpenStandardInput();
            return (Drain(input, path), null);
        }

        // A shell's <(command) is a pipe.
        if (path.StartsWith("/dev/fd/", StringComparison.Ordinal) || path.StartsWith("/proc/self/fd/", StringComparison.Ordinal))
        {
            return (ReadPipe(path), null);
        }

        string? openToOthers = null;
        byte[] content = BoundedFile.TryRead(path, MaxBytes, followSymbolicLinks: true, status =>
        {
            openToOthers = SecretPermissions.FindFault("the file", path, status);
            return null;
        }) ?? throw new CommandFault(ExitCode.Missing, $"{path} does not exist");
        using MemoryStream stream = new(content);
        SecretBuffer text = Drain(stream, path);
        Array.Clear(content);
        return (text, openToOthers);
    }

    /// <exception cref="CommandFault">There is none of that number.</exception>
    private static SecretBuffer ReadPipe(string path)
    {
        try
        {
            using Stream pipe = File.OpenRead(path);
            return Drain(pipe, path);
        }
        catch (Exception closed) when (closed is IOException or UnauthorizedAccessException)
        {
            throw new CommandFault(ExitCode.Missing, $"{path} cannot be read: {closed.Message}", inner: closed);
        }
    }

    private static SecretBuffer Drain(Stream input, string path)
    {
        SecretBuffer text = new();
        while (input.Read(text.GetSpan()) is > 0 and int count)
        {
            text.Advance(count);
            if (text.WrittenSpan.Length > MaxBytes)
            {
                text.Dispose();
                throw new CommandFault(ExitCode.Refused, $"{Name(path)} is longer than {MaxBytes} bytes");
            }
        }

        return text;
    }

    /// <exception cref="JsonException">It is not JSON.</exception>
    private static bool HasSecret(ReadOnlySpan<byte> json)
    {
        bool found = false;
        Utf8JsonReader reader = new(json);
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.PropertyName)
            {
                string name = reader.GetString()!;
                reader.Read();
                found |= reader.TokenType == JsonTokenType.String && SecretMembers.Contains(name);
            }
        }

        return found;
    }
}
