using System.Security.Cryptography;
using KmsSidecar.Errors;
using KmsSidecar.Storage;

namespace KmsSidecar.Backends.Local;

/// <summary>One <c>*.key</c> entry of a directory: its record, or why there is none.</summary>
internal sealed class StoredKeyFile : IDisposable
{
    /// <summary>What .NET puts in the place of bytes that are not UTF-8.</summary>
    private const char NotUnicode = '\uFFFD';

    private StoredKeyFile(string fileName, string stem, KeyFileVerdict verdict, KeyFile? record, string? detail)
    {
        FileName = fileName;
        Stem = stem;
        Verdict = verdict;
        Record = record;
        Reason = detail ?? verdict.Sentence();
    }

    public string FileName { get; }

    /// <summary>The key id that the file's name stands for.</summary>
    public string Stem { get; }

    public KeyFileVerdict Verdict { get; }

    /// <summary>Null unless <see cref="Verdict"/> is Good.</summary>
    public KeyFile? Record { get; }

    /// <summary>One sentence.</summary>
    public string Reason { get; }

    /// <summary>Whether the material could be encrypted under a key that only the directory's salt gives. In doubt it could.</summary>
    public bool MayNeedSalt => Record is null or { Protection: AtRestProtection.EncryptedMasterKey };

    public static StoredKeyFile Read(DurableDirectory directory, string fileName, string stem)
    {
        byte[]? content = null;
        try
        {
            content = directory.TryRead(fileName, KeyFile.MaxLength);
            if (content is null)
            {
                KeyFileVerdict missing = fileName.Contains(NotUnicode) ? KeyFileVerdict.FileNameNotUnicode : KeyFileVerdict.FileUnreadable;
                return new StoredKeyFile(fileName, stem, missing, record: null, detail: null);
            }

            KeyFileVerdict verdict = KeyFile.TryRead(content, stem, out KeyFile? record);
            return new StoredKeyFile(fileName, stem, verdict, record, detail: null);
        }
        catch (KmsException e)
        {
            return new StoredKeyFile(fileName, stem, KeyFileVerdict.FileUnreadable, record: null, e.Message);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }

    public void Dispose() => Record?.Dispose();
}
