using System.Text;
using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;
using KmsSidecar.Tests.Support;
using Xunit;
using KeyState = Amazon.KeyManagementService.KeyState;
using Tag = Amazon.KeyManagementService.Model.Tag;

namespace KmsSidecar.Tests.Api.AwsKms;

/// <summary>The AWS SDK for .NET as the client: what it signs is taken, what it is answered it understands.</summary>
public sealed class AwsSdkTests(RunningHost running) : IClassFixture<RunningHost>
{
    private readonly TestHost _host = running.Host;

    [Fact]
    public async Task DataKeys_GoThereAndBack()
    {
        using AmazonKeyManagementServiceClient client = Client();
        Dictionary<string, string> context = new() { ["bucket"] = "b", ["objëct"] = "a/\"b\"" };

        GenerateDataKeyResponse made = await client.GenerateDataKeyAsync(
            new GenerateDataKeyRequest { KeyId = "alias/default", KeySpec = DataKeySpec.AES_256, EncryptionContext = context }, Cancellation);
        DecryptResponse opened = await client.DecryptAsync(
            new DecryptRequest { CiphertextBlob = made.CiphertextBlob, EncryptionContext = context }, Cancellation);

        Assert.Equal(made.Plaintext.ToArray(), opened.Plaintext.ToArray());
        Assert.Equal(("alias/default", "master"), (made.KeyId, opened.KeyId));
        Assert.Equal(32, made.ResponseMetadata.RequestId.Length);
        await Assert.ThrowsAsync<InvalidCiphertextException>(
            () => client.DecryptAsync(new DecryptRequest { CiphertextBlob = made.CiphertextBlob }, Cancellation));
    }

    [Fact]
    public async Task LifeOfAKey_AsTheSdkSeesIt()
    {
        using AmazonKeyManagementServiceClient client = Client();
        string name = $"sdk-{Guid.NewGuid():N}";
        CreateKeyResponse made = await client.CreateKeyAsync(
            new CreateKeyRequest { Description = "d", Tags = [new Tag { TagKey = "name", TagValue = name }] }, Cancellation);
        Assert.Equal((name, KeyState.Enabled, KeySpec.SYMMETRIC_DEFAULT), (made.KeyMetadata.KeyId, made.KeyMetadata.KeyState, made.KeyMetadata.KeySpec));
        Assert.InRange(made.KeyMetadata.CreationDate!.Value.ToUniversalTime(), DateTime.UtcNow.AddMinutes(-1), DateTime.UtcNow.AddMinutes(1));

        MemoryStream text = new(Encoding.UTF8.GetBytes("text"));
        EncryptResponse wrapped = await client.EncryptAsync(new EncryptRequest { KeyId = name, Plaintext = text }, Cancellation);
        await client.RotateKeyOnDemandAsync(new RotateKeyOnDemandRequest { KeyId = name }, Cancellation);
        ReEncryptResponse moved = await client.ReEncryptAsync(
            new ReEncryptRequest { CiphertextBlob = wrapped.CiphertextBlob, SourceKeyId = name, DestinationKeyId = name }, Cancellation);
        Assert.Equal("text", Encoding.UTF8.GetString(
            (await client.DecryptAsync(new DecryptRequest { CiphertextBlob = moved.CiphertextBlob, KeyId = name }, Cancellation)).Plaintext.ToArray()));
        Assert.Single((await client.ListKeyRotationsAsync(new ListKeyRotationsRequest { KeyId = name }, Cancellation)).Rotations);

        await client.DisableKeyAsync(new DisableKeyRequest { KeyId = name }, Cancellation);
        await Assert.ThrowsAsync<DisabledException>(
            () => client.GenerateDataKeyAsync(new GenerateDataKeyRequest { KeyId = name, KeySpec = DataKeySpec.AES_256 }, Cancellation));
        ScheduleKeyDeletionResponse scheduled = await client.ScheduleKeyDeletionAsync(
            new ScheduleKeyDeletionRequest { KeyId = name, PendingWindowInDays = 7 }, Cancellation);
        Assert.Equal(7, (scheduled.DeletionDate!.Value.ToUniversalTime() - DateTime.UtcNow).TotalDays, 0.1);
        await Assert.ThrowsAsync<KMSInvalidStateException>(() => client.EnableKeyAsync(new EnableKeyRequest { KeyId = name }, Cancellation));
        await client.CancelKeyDeletionAsync(new CancelKeyDeletionRequest { KeyId = name }, Cancellation);
        Assert.Equal(KeyState.Disabled, (await client.DescribeKeyAsync(new DescribeKeyRequest { KeyId = name }, Cancellation)).KeyMetadata.KeyState);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private AmazonKeyManagementServiceClient Client() => new(
        new BasicAWSCredentials(TestHost.AccessKey, TestHost.Secret),
        new AmazonKeyManagementServiceConfig { ServiceURL = _host.Address.ToString(), AuthenticationRegion = "us-east-1", MaxErrorRetry = 0 });
}
