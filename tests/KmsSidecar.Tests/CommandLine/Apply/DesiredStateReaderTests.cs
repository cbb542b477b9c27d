using System.Text;
using KmsSidecar.CommandLine.Apply;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using Xunit;

namespace KmsSidecar.Tests.CommandLine.Apply;

public sealed class DesiredStateReaderTests
{
    private const string Local = """{"backend_type":"local","key_dir":"/keys","default_key_id":"app"}""";

    [Fact]
    public void AllParts_AreRead()
    {
        using DesiredState desired = Read($$"""
            {
              "configuration": {{Local}},
              "keys": [{ "key_id": "app", "description": "d", "tags": { "a": "b" }, "state": "Disabled" }],
              "policies": { "p": { "Statement": { "Effect": "Allow", "Action": "kms:*" } } },
              "users": [{ "access_key": "ann", "status": "enabled", "policies": ["p"], "secret_file": "ann.key" }]
            }
            """);

        Assert.Equal("app", desired.Configuration!.DefaultKeyId);
        Assert.Equal(DesiredState.Running, desired.State);
        DesiredKey key = Assert.Single(desired.Keys);
        Assert.Equal(("app", "d", "b", "Disabled"), (key.Id, key.Description, key.Tags["a"], key.State));
        Assert.Same(key, desired.DefaultKey);
        Assert.Equal(("p", """{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kms:*"]}]}"""), (desired.Policies[0].Name, desired.Policies[0].Document));
        DesiredUser user = Assert.Single(desired.Users);
        Assert.Equal(("ann", "enabled", "content of ann.key"), (user.AccessKey, user.Status, Encoding.UTF8.GetString(user.Secret!.WrittenSpan)));
    }

    [Fact]
    public void ABareConfiguration_IsOneThatRuns()
    {
        using DesiredState desired = Read(Local);

        Assert.Equal(("app", DesiredState.Running), (desired.Configuration!.DefaultKeyId, desired.State));
    }

    [Theory]
    [InlineData("{}", null)]
    [InlineData("""{"state":"Configured"}""", "Configured")]
    [InlineData("""{"configuration":{"backend_type":"local","key_dir":"/keys"},"state":"Configured"}""", "Configured")]
    [InlineData("""{"keys":[{"key_id":"a"}]}""", null)]
    public void TheRunState_IsLeftAlone_UnlessThereIsAConfiguration(string json, string? state)
    {
        using DesiredState desired = Read(json);

        Assert.Equal(state, desired.State);
    }

    [Theory]
    [InlineData("""{"key":[]}""", "member 'key' is unknown")]
    [InlineData("""{"keys":[{"key_id":"a"},{"id":"b"}]}""", "member 'keys[1].id' is unknown")]
    [InlineData("""{"keys":[{"description":"b"}]}""", "has no 'key_id'")]
    [InlineData("""{"keys":[{"key_id":"a"},{"key_id":"a"}]}""", "'keys' has key_id 'a' twice")]
    [InlineData("""{"keys":[{"key_id":"a","state":"enabled"}]}""", "must be 'Enabled' or 'Disabled'")]
    [InlineData("""{"users":[{"access_key":"a"},{"access_key":"a"}]}""", "'users' has access_key 'a' twice")]
    [InlineData("""{"users":[{"access_key":"a","secret_key":"in the open"}]}""", "member 'users[0].secret_key' is unknown")]
    [InlineData("""{"state":"Configured","keys":[{"key_id":"a"}]}""", "need a service that runs")]
    [InlineData("""{"configuration":{"backend_type":"local","keydir":"/k"}}""", "configuration: member 'keydir' is unknown")]
    [InlineData("""{"configuration":"local"}""", "must be an object")]
    [InlineData("""{"policies":{"p":{"Statement":[{"Effect":"Allow","Action":"kms:Fly"}]}}}""", "policy 'p': ")]
    [InlineData("""{"state":"Running","state":"Running"}""", "given twice")]
    public void WhatIsWrong_IsNamed(string json, string part)
    {
        KmsException fault = Assert.Throws<KmsException>(() => Read(json).Dispose());

        Assert.Contains(part, fault.Message, StringComparison.Ordinal);
    }

    private static DesiredState Read(string json) => new DesiredStateReader(static file =>
    {
        SecretBuffer secret = new();
        Encoding.UTF8.GetBytes($"content of {file}", secret);
        return secret;
    }).Read(Encoding.UTF8.GetBytes(json));
}
