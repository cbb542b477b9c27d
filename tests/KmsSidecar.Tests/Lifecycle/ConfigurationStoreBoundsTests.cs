using System.Text;
using KmsSidecar.Configuration;
using KmsSidecar.Errors;
using KmsSidecar.Lifecycle;
using KmsSidecar.Tests.Storage;
using Xunit;

namespace KmsSidecar.Tests.Lifecycle;

/// <summary>Whatever a change accepts, the next start reads back.</summary>
public sealed class ConfigurationStoreBoundsTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("é", 512)]
    [InlineData("😀", 256)]
    [InlineData("+", 1024)]
    [InlineData("\\\"", 512)]
    public async Task LongestMasterKey_ComesBack(string characters, int count)
    {
        string secret = string.Concat(Enumerable.Repeat(characters, count));
        using (ServiceUnderTest service = new(_directory.FullPath))
        {
            await service.ConfigureAsync($$"""{"backend_type":"local","key_dir":"/a","master_key":"{{secret}}"}""");
        }

        using ServiceUnderTest again = new(_directory.FullPath);
        Assert.Equal(ServiceState.Configured, again.State);
        byte[] expected = Encoding.UTF8.GetBytes(secret.Replace("\\\"", "\"", StringComparison.Ordinal));
        Assert.Equal(expected, again.Look(static snapshot => snapshot.Document!.Secret(ConfigurationField.MasterKey)!.Span.ToArray()));
    }

    [Fact]
    public async Task FormerBackends_ComeBack_UpToTheBound()
    {
        using (ServiceUnderTest service = new(_directory.FullPath))
        {
            await service.ConfigureAsync(ServiceUnderTest.Local("/0"));
            for (int i = 1; i <= StoredGeneration.MaxDecryptOnly; i++)
            {
                await service.ReconfigureAsync($$"""{"key_dir":"/{{i}}"}""");
            }

            KmsException refused = await Assert.ThrowsAsync<KmsException>(() => service.ReconfigureAsync("""{"key_dir":"/one-more"}"""));
            Assert.Equal(KmsError.InvalidConfiguration, refused.Error);
            Assert.Contains("decrypt_only", refused.Message, StringComparison.Ordinal);
        }

        using ServiceUnderTest again = new(_directory.FullPath);
        Assert.Equal($"/{StoredGeneration.MaxDecryptOnly}", again.Look(static snapshot => snapshot.Document?.Text(ConfigurationField.KeyDir)));
        Assert.Equal(StoredGeneration.MaxDecryptOnly, again.Look(static snapshot => snapshot.DecryptOnly.Length));
        Assert.DoesNotContain("damaged", again.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void LargestGeneration_FitsIntoASealedFile()
    {
        // Six bytes for each UTF-16 unit is the most that escaping makes of text.
        static string Repeat(string text, int count) => string.Concat(Enumerable.Repeat(text, count));
        string longest = $$"""
            {"backend_type":"local","key_dir":"//{{Repeat("😀", 2047)}}","default_key_id":"{{Repeat("😀", 512)}}","master_key":"{{Repeat("\\u0001", 1024)}}"}
            """;
        using ServiceUnderTest service = new(_directory.FullPath);
        using ConfigurationDocument document = ConfigurationDocument.Read(Encoding.UTF8.GetBytes(longest));
        using StoredGeneration largest = Generation(document, StoredGeneration.MaxDecryptOnly, "admin");
        service.Store.Append(largest);
        using StoredGeneration? stored = service.Store.LoadNewest();
        Assert.Equal(StoredGeneration.MaxDecryptOnly, stored?.DecryptOnly.Length);
    }

    [Fact]
    public void GenerationThatCouldNotBeRead_IsRefused_AndNothingIsWritten()
    {
        using ServiceUnderTest service = new(_directory.FullPath);
        using ConfigurationDocument document = new(BackendType.Static);
        using StoredGeneration unreadable = Generation(document, decryptOnly: 0, new string('a', 300));
        KmsException refused = Assert.Throws<KmsException>(() => service.Store.Append(unreadable));
        Assert.Equal(KmsError.InvalidConfiguration, refused.Error);
        Assert.Equal(1, service.Store.NextNumber());
    }

    private static StoredGeneration Generation(ConfigurationDocument document, int decryptOnly, string who)
    {
        return new StoredGeneration
        {
            Number = 1,
            SavedAt = DateTimeOffset.UnixEpoch,
            Action = "configure",
            Actor = new Actor(who, "admin socket"),
            Document = document.Clone(),
            DecryptOnly = [.. Enumerable.Range(0, decryptOnly).Select(
                i => new DecryptOnlyEntry($"local-{i}", DateTimeOffset.UnixEpoch, document.Clone(), new LastUse()))],
        };
    }
}
