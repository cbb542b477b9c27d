using System.Buffers;
using System.Globalization;
using System.Text.Json;
using KmsSidecar.Backends.Local;
using KmsSidecar.Crypto;

namespace KmsSidecar.Backends.Kv2;

/// <summary>The record in <c>KEY_ID/versions/N</c>: the material of one version, frozen before anything names it. Owns the material.</summary>
/// <param name="createdAt">As in the record (<see cref="Keys.ZonedTimestamp"/>).</param>
internal sealed class Kv2VersionRecord(uint version, string createdAt, SecretBytes material) : IDisposable
{
    public uint Version => version;

    public string CreatedAt => createdAt;

    public SecretBytes Material => material;

    public static string PathOf(string keyId, uint version) => string.Create(CultureInfo.InvariantCulture, $"{FolderOf(keyId)}/{version}");

    public static string FolderOf(string keyId) => $"{keyId}/versions";

    /// <summary>False for names that no version has.</summary>
    public static bool TryParseName(string name, out uint version) =>
        uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out version)
        && name == version.ToString(CultureInfo.InvariantCulture);

    /// <param name="utf8">Holds the key in plain, so the caller wipes it.</param>
    /// <param name="number">The number under which it was found, which it must say itself.</param>
    /// <inheritdoc cref="Kv2RecordReader.TryRead"/>
    public static Kv2VersionRecord? TryRead(ReadOnlySpan<byte> utf8, uint number, out string? fault)
    {
        (string createdAt, SecretBytes? material) = ("", null);
        try
        {
            RecordMembers members = new(utf8);
            while (members.Next())
            {
                switch (members.Name)
                {
                    case KeyFileNames.Version:
                        members.Know();
                        if (members.UInt32() != number)
                        {
                            members.Refuse("is not the one of its path");
                        }

                        break;
                    case KeyFileNames.CreatedAt:
                        members.Know();
                        createdAt = members.Time();
                        break;
                    case KeyFileNames.Material:
                        members.Know();
                        material?.Dispose();
                        material = members.Material();
                        break;
                    default:
                        members.Skip();
                        break;
                }
            }

            members.Require(KeyFileNames.Version, KeyFileNames.CreatedAt, KeyFileNames.Material);
            fault = members.Fault;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            fault = "it is not JSON";
        }

        if (fault is null)
        {
            return new Kv2VersionRecord(number, createdAt, material!);
        }

        material?.Dispose();
        return null;
    }

    /// <summary>Holds the key; the caller's to dispose.</summary>
    public SecretBuffer ToUtf8()
    {
        SecretBuffer output = new();
        output.Write("""{"version":"""u8);
        Kv2RecordWriter.WriteNumber(output, version);
        output.Write(""","encrypted_key_material":"""u8);
        Kv2RecordWriter.WriteMaterial(output, material);
        output.Write(""","created_at":"""u8);
        Kv2RecordWriter.WriteText(output, createdAt);
        output.Write("}"u8);
        return output;
    }

    public void Dispose() => material.Dispose();
}
