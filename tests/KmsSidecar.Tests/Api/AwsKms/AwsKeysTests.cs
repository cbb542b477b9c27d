using System.Text.Json;
using KmsSidecar.Tests.Support;
using Xunit;
using static KmsSidecar.Tests.Support.TestHost;

namespace KmsSidecar.Tests.Api.AwsKms;

/// <summary>The life of a key over the AWS KMS API.</summary>
public sealed class AwsKeysTests(RunningHost running) : IClassFixture<RunningHost>
{
    private readonly TestHost _host = running.Host;

    [Fact]
    public async Task NewKey_IsDescribedAsAwsDoes()
    {
        double before = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0;
        Answer made = (await _host.Tcp.AwsAsync(
            "CreateKey",
            """{"Description":"d","KeyUsage":"ENCRYPT_DECRYPT","KeySpec":"SYMMETRIC_DEFAULT","Tags":[{"TagKey":"owner","TagValue":"x"}]}""")).Expect(200);

        JsonElement key = made.Json.GetProperty("KeyMetadata");
        string id = key.GetProperty("KeyId").GetString()!;
        Assert.True(Guid.TryParse(id, out _), id);
        Assert.InRange(key.GetProperty("CreationDate").GetDouble(), before, before + 60);
        Assert.True(key.GetProperty("Enabled").GetBoolean());
        Assert.False(key.GetProperty("MultiRegion").GetBoolean());
        Assert.False(key.TryGetProperty("DeletionDate", out _));
        Dictionary<string, string> texts = new()
        {
            ["AWSAccountId"] = "000000000000",
            ["Arn"] = $"arn:aws:kms:us-east-1:000000000000:key/{id}",
            ["Description"] = "d",
            ["KeyUsage"] = "ENCRYPT_DECRYPT",
            ["KeyState"] = "Enabled",
            ["Origin"] = "AWS_KMS",
            ["KeyManager"] = "CUSTOMER",
            ["KeySpec"] = "SYMMETRIC_DEFAULT",
            ["CustomerMasterKeySpec"] = "SYMMETRIC_DEFAULT",
        };
        Assert.All(texts, text => Assert.Equal(text.Value, key.GetProperty(text.Key).GetString()));

        Answer described = (await _host.Data.AwsAsync("DescribeKey", Body(new { KeyId = $"arn:aws:kms:us-east-1:000000000000:key/{id}" }))).Expect(200);
        Assert.Equal(made.Text, described.Text);
    }

    [Fact]
    public async Task TagName_IsTheKeysId()
    {
        string id = Name();
        Answer made = (await _host.Tcp.AwsAsync("CreateKey", Body(new { Tags = new[] { Tag("name", id) } }))).Expect(200);

        Assert.Equal(id, made.Json.GetProperty("KeyMetadata").GetProperty("KeyId").GetString());
        (await _host.Tcp.AwsAsync("CreateKey", Body(new { Tags = new[] { Tag("name", id) } }))).ExpectAws(400, "AlreadyExistsException");

        // A description is no name here, as it is over the admin API.
        Answer other = (await _host.Tcp.AwsAsync("CreateKey", Body(new { Description = Name() }))).Expect(200);
        Assert.True(Guid.TryParse(other.Json.GetProperty("KeyMetadata").GetProperty("KeyId").GetString(), out _));
    }

    [Fact]
    public async Task Alias_OfTheDefaultKey_DescribesThatKey()
    {
        Answer described = (await _host.Tcp.AwsAsync("DescribeKey", """{"KeyId":"alias/default"}""")).Expect(200);
        Assert.Equal("master", described.Json.GetProperty("KeyMetadata").GetProperty("KeyId").GetString());
    }

    [Fact]
    public async Task Deletion_IsScheduledAndCancelled()
    {
        string id = await MakeAsync();
        (await _host.Tcp.AwsAsync("DisableKey", Of(id))).Expect(200);
        double now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0;

        Answer scheduled = (await _host.Tcp.AwsAsync("ScheduleKeyDeletion", Body(new { KeyId = $"alias/{id}", PendingWindowInDays = 7 }))).Expect(200);
        Assert.Equal(($"alias/{id}", "PendingDeletion"), (scheduled["KeyId"], scheduled["KeyState"]));
        Assert.Equal(7, scheduled.Json.GetProperty("PendingWindowInDays").GetInt32());
        Assert.InRange(scheduled.Json.GetProperty("DeletionDate").GetDouble() - now, (7 * 86400) - 60, (7 * 86400) + 60);
        JsonElement key = (await _host.Tcp.AwsAsync("DescribeKey", Of(id))).Expect(200).Json.GetProperty("KeyMetadata");
        Assert.Equal(scheduled.Json.GetProperty("DeletionDate").GetDouble(), key.GetProperty("DeletionDate").GetDouble());

        (await _host.Tcp.AwsAsync("ScheduleKeyDeletion", Of(id))).ExpectAws(400, "KMSInvalidStateException");
        (await _host.Tcp.AwsAsync("EnableKey", Of(id))).ExpectAws(400, "KMSInvalidStateException");
        (await _host.Tcp.AwsAsync("RotateKeyOnDemand", Of(id))).ExpectAws(400, "KMSInvalidStateException");
        Assert.Equal(id, (await _host.Tcp.AwsAsync("CancelKeyDeletion", Of(id))).Expect(200)["KeyId"]);
        (await _host.Tcp.AwsAsync("CancelKeyDeletion", Of(id))).ExpectAws(400, "KMSInvalidStateException");

        // Back to the state it had, which was not Enabled.
        (await _host.Tcp.AwsAsync("RotateKeyOnDemand", Of(id))).ExpectAws(400, "DisabledException");
        (await _host.Tcp.AwsAsync("EnableKey", Of(id))).Expect(200);
        (await _host.Tcp.AwsAsync("RotateKeyOnDemand", Of(id))).Expect(200);
    }

    [Fact]
    public async Task Changes_WithoutAnAnswer_AreEmpty()
    {
        string id = await MakeAsync();
        foreach ((string operation, object body) in ((string, object)[])
        [
            ("DisableKey", new { KeyId = id }), ("EnableKey", new { KeyId = id }), ("UpdateKeyDescription", new { KeyId = id, Description = "new" }),
            ("TagResource", new { KeyId = id, Tags = new[] { Tag("a", "b") } }), ("UntagResource", new { KeyId = id, TagKeys = new[] { "a", "z" } }),
        ])
        {
            Answer done = (await _host.Data.AwsAsync(operation, JsonSerializer.Serialize(body))).Expect(200);
            Assert.Empty(done.Body);
            Assert.NotNull(done.Header("x-amzn-RequestId"));
        }

        Answer described = (await _host.Tcp.AwsAsync("DescribeKey", Of(id))).Expect(200);
        Assert.Equal("new", described.Json.GetProperty("KeyMetadata").GetProperty("Description").GetString());
    }

    [Fact]
    public async Task Rotations_AreListedWithTheirTimes()
    {
        string id = await MakeAsync();
        Assert.Empty((await _host.Tcp.AwsAsync("ListKeyRotations", Of(id))).Expect(200).Json.GetProperty("Rotations").EnumerateArray());
        double before = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0;
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(id, (await _host.Tcp.AwsAsync("RotateKeyOnDemand", Of(id))).Expect(200)["KeyId"]);
        }

        Answer first = (await _host.Tcp.AwsAsync("ListKeyRotations", Body(new { KeyId = id, Limit = 2 }))).Expect(200);
        Answer second = (await _host.Tcp.AwsAsync("ListKeyRotations", Body(new { KeyId = id, Limit = 2, Marker = first["NextMarker"] }))).Expect(200);
        JsonElement[] rotations = [.. first.Json.GetProperty("Rotations").EnumerateArray(), .. second.Json.GetProperty("Rotations").EnumerateArray()];
        Assert.Equal(3, rotations.Length);
        Assert.All(rotations, rotation => Assert.Equal((id, "ON_DEMAND"), (rotation.GetProperty("KeyId").GetString(), rotation.GetProperty("RotationType").GetString())));
        Assert.All(rotations, rotation => Assert.InRange(rotation.GetProperty("RotationDate").GetDouble(), before, before + 60));
        Assert.True(first.Json.GetProperty("Truncated").GetBoolean());
        Assert.False(second.Json.GetProperty("Truncated").GetBoolean());

        Answer status = (await _host.Tcp.AwsAsync("GetKeyRotationStatus", Of(id))).Expect(200);
        Assert.False(status.Json.GetProperty("KeyRotationEnabled").GetBoolean());
        Assert.Equal(id, status["KeyId"]);
    }

    [Fact]
    public async Task KeyPolicy_SaysThatUsersPoliciesDecide()
    {
        Answer policy = (await _host.Tcp.AwsAsync("GetKeyPolicy", """{"KeyId":"master","PolicyName":"default"}""")).Expect(200);
        JsonElement statement = JsonElement.Parse(policy["Policy"]!).GetProperty("Statement")[0];
        Assert.Equal("arn:aws:iam::000000000000:root", statement.GetProperty("Principal").GetProperty("AWS").GetString());
        (await _host.Tcp.AwsAsync("GetKeyPolicy", """{"KeyId":"master","PolicyName":"other"}""")).ExpectAws(400, "NotFoundException");
    }

    [Fact]
    public async Task ProbeKeyOfRustFs_IsNotThere_UnlessItIsMade()
    {
        const string Describe = """{"KeyId":"rustfs-internal-kms-probe"}""";
        (await _host.Tcp.AwsAsync("DescribeKey", Describe)).ExpectAws(400, "NotFoundException");
        (await _host.Tcp.AwsAsync("CreateKey", Body(new { Tags = new[] { Tag("name", "rustfs-internal-kms-probe") } }))).Expect(200);
        (await _host.Tcp.AwsAsync("DescribeKey", Describe)).Expect(200);
    }

    public static TheoryData<string> OperationsOnAKey =>
    [
        "DescribeKey", "EnableKey", "DisableKey", "ScheduleKeyDeletion", "CancelKeyDeletion", "RotateKeyOnDemand", "ListResourceTags", "ListKeyRotations",
        "GetKeyRotationStatus", "GetKeyPolicy", "UpdateKeyDescription", "TagResource", "UntagResource",
    ];

    [Theory]
    [MemberData(nameof(OperationsOnAKey))]
    public async Task Key_HasToBeNamed_AndToExist_AndToBeHere(string operation)
    {
        string body = """ "Description":"d","Tags":[{"TagKey":"a","TagValue":"b"}],"TagKeys":["a"]} """;
        (await _host.Tcp.AwsAsync(operation, $$"""{{{body}}""")).ExpectAws(400, "ValidationException");
        (await _host.Tcp.AwsAsync(operation, $$"""{"KeyId":null,{{body}}""")).ExpectAws(400, "ValidationException");
        (await _host.Tcp.AwsAsync(operation, $$"""{"KeyId":"nope",{{body}}""")).ExpectAws(400, "NotFoundException");
        (await _host.Tcp.AwsAsync(operation, $$"""{"KeyId":7,{{body}}""")).ExpectAws(400, "SerializationException");
        (await _host.Tcp.AwsAsync(operation, $$"""{"KeyId":"arn:aws:kms:us-east-1",{{body}}""")).ExpectAws(400, "InvalidArnException");
        (await _host.Tcp.AwsAsync(operation, $$"""{"KeyId":"arn:aws:kms:eu-west-1:000000000000:key/master",{{body}}""")).ExpectAws(400, "NotFoundException");
    }

    [Theory]
    [InlineData("CreateKey", """{"KeySpec":"RSA_2048"}""", "UnsupportedOperationException")]
    [InlineData("CreateKey", """{"KeyUsage":"SIGN_VERIFY"}""", "UnsupportedOperationException")]
    [InlineData("CreateKey", """{"Origin":"EXTERNAL"}""", "UnsupportedOperationException")]
    [InlineData("CreateKey", """{"MultiRegion":true}""", "UnsupportedOperationException")]
    [InlineData("CreateKey", """{"Policy":"{}"}""", "UnsupportedOperationException")]
    [InlineData("CreateKey", """{"Tags":[{"TagKey":"a","TagValue":"1"},{"TagKey":"a","TagValue":"2"}]}""", "TagException")]
    [InlineData("CreateKey", """{"Tags":[{"TagKey":"name","TagValue":"../up"}]}""", "TagException")]
    [InlineData("CreateKey", """{"Tags":[{"TagKey":"a"}]}""", "ValidationException")]
    [InlineData("CreateKey", """{"Tags":[{"TagKey":"","TagValue":"1"}]}""", "ValidationException")]
    [InlineData("CreateKey", """{"Tags":{"a":"b"}}""", "SerializationException")]
    [InlineData("ScheduleKeyDeletion", """{"KeyId":"master","PendingWindowInDays":6}""", "ValidationException")]
    [InlineData("ScheduleKeyDeletion", """{"KeyId":"master","PendingWindowInDays":31}""", "ValidationException")]
    [InlineData("TagResource", """{"KeyId":"master"}""", "ValidationException")]
    [InlineData("TagResource", """{"KeyId":"master","Tags":[{"TagKey":"name","TagValue":"x"}]}""", "TagException")]
    [InlineData("UntagResource", """{"KeyId":"master"}""", "ValidationException")]
    [InlineData("UntagResource", """{"KeyId":"master","TagKeys":["name"]}""", "TagException")]
    [InlineData("UpdateKeyDescription", """{"KeyId":"master"}""", "ValidationException")]
    public async Task BadInput_HasItsCode(string operation, string body, string code) =>
        (await _host.Tcp.AwsAsync(operation, body)).ExpectAws(400, code);

    [Fact]
    public async Task TooMuch_IsRefused()
    {
        string id = await MakeAsync();
        object[] tags = [.. Enumerable.Range(0, 51).Select(static number => Tag($"t{number}", ""))];
        (await _host.Tcp.AwsAsync("CreateKey", Body(new { Tags = tags }))).ExpectAws(400, "LimitExceededException");
        (await _host.Tcp.AwsAsync("TagResource", Body(new { KeyId = id, Tags = tags }))).ExpectAws(400, "LimitExceededException");
        (await _host.Tcp.AwsAsync("TagResource", Body(new { KeyId = id, Tags = tags[..49] }))).Expect(200);
        (await _host.Tcp.AwsAsync("TagResource", Body(new { KeyId = id, Tags = tags[49..] }))).ExpectAws(400, "LimitExceededException");
        (await _host.Tcp.AwsAsync("UpdateKeyDescription", Body(new { KeyId = id, Description = new string('d', 8193) }))).ExpectAws(400, "ValidationException");
    }

    private static object Tag(string key, string value) => new { TagKey = key, TagValue = value };

    private static string Body<T>(T body) => JsonSerializer.Serialize(body);

    private static string Of(string id) => Body(new { KeyId = id });

    private static string Name() => $"key-{Guid.NewGuid():N}";

    private async Task<string> MakeAsync()
    {
        string id = Name();
        (await _host.Admin.PostAsync($"{Kms}/keys", Body(new { key_name = id }))).Expect(200);
        return id;
    }
}
