using System.Text;
using System.Text.Json.Nodes;
using KmsSidecar.Backends;
using KmsSidecar.Backends.Kv2;
using KmsSidecar.Crypto;
using KmsSidecar.Keys;
using Xunit;

namespace KmsSidecar.Tests.Backends.Kv2;

public sealed class Kv2RecordTests
{
    private const string Good =
        """{"algorithm":"AES_256","usage":"EncryptDecrypt","created_at":"2026-01-01T00:00:00+00:00[UTC]","status":"Active","version":1,"description":"app key","metadata":{},"tags":{"name":"app-key"},"deletion_date":null,"rotated_at":null,"encrypted_key_material":"QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=","baseline_version":null,"wrap_budget_reserved":0}""";

    private const string GoodVersion =
        """{"version":1,"encrypted_key_material":"QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=","created_at":"2026-01-01T00:00:00+00:00[UTC]"}""";

    /// <summary>What is put in the place of what in the good record, and a word of the fault; none for a record that is good all the same.</summary>
    public static TheoryData<string, string, string?> Edits => new()
    {
        { "", "", null },
        { "\"baseline_version\":null,\"wrap_budget_reserved\":0", "\"future\":[1,{\"x\":null}],\"future\":2", null },
        { "\"description\":\"app key\",", "", null },
        { "\"deletion_date\":null,\"rotated_at\":null,", "", null },
        { "+00:00[UTC]", "+01:00[Europe/Paris]", null },
        { "00:00:00+00:00[UTC]", "00:00:00.123456789+00:00[Etc/UTC]", null },
        { "QkI=", "Qk\\u0049=", null },
        { "EncryptDecrypt", "SignVerify", null },
        { "\"wrap_budget_reserved\":0", "\"wrap_budget_reserved\":18446744073709551615", null },
        { "\"wrap_budget_reserved\":0", "\"wrap_budget_reserved\":null", "wrap_budget_reserved" },
        { "\"wrap_budget_reserved\":0", "\"wrap_budget_reserved\":-1", "wrap_budget_reserved" },
        { "+00:00[UTC]", "Z", "created_at" },
        { "2026-01-01T00:00:00+00:00[UTC]", "yesterday[UTC]", "created_at" },
        { "\"algorithm\":\"AES_256\",", "", "algorithm" },
        { "\"usage\":\"EncryptDecrypt\",", "", "usage" },
        { "\"status\":\"Active\",", "", "status" },
        { "\"version\":1,", "", "version" },
        { "\"metadata\":{},", "", "metadata" },
        { "\"tags\":{\"name\":\"app-key\"},", "", "tags" },
        { "\"encrypted_key_material\":\"QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=\",", "", "encrypted_key_material" },
        { "\"version\":1,", "\"version\":1,\"version\":1,", "twice" },
        { "\"version\":1,", "\"version\":\"1\",", "version" },
        { "\"version\":1,", "\"version\":4294967296,", "version" },
        { "\"version\":1,", "\"version\":1.5,", "version" },
        { "Active", "Enabled", "status" },
        { "EncryptDecrypt", "Anything", "usage" },
        { "\"tags\":{\"name\":\"app-key\"}", "\"tags\":{\"name\":1}", "tags" },
        { "\"tags\":{\"name\":\"app-key\"}", "\"tags\":[]", "tags" },
        { "\"metadata\":{}", "\"metadata\":null", "metadata" },
        { "\"description\":\"app key\"", "\"description\":7", "description" },
        { "\"description\":\"app key\"", "\"description\":\"\\ud800\"", "JSON" },
        { "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=", "", "empty" },
        { "QkI=", "QkJ=", "base64" },
        { "QkI=", "Qk==", "base64" },
        { "QkI=", "QkI= ", "base64" },
        { "\"QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=\"", "[66,66]", "string" },
        { "{\"algorithm\"", "[{\"algorithm\"", "object" },
        { "reserved\":0}", "reserved\":0}}", "JSON" },
        { "reserved\":0}", "reserved\":0", "JSON" },
    };

    [Theory]
    [MemberData(nameof(Edits))]
    public void Record_IsReadAsRustFsWould(string part, string instead, string? fault)
    {
        string text = part.Length == 0 ? Good : Good.Replace(part, instead, StringComparison.Ordinal);
        using Kv2Record? record = Kv2RecordReader.TryRead(Encoding.UTF8.GetBytes(text), "app-key", out string? found);
        Assert.Equal(fault is null, record is not null);
        Assert.Contains(fault ?? "", found ?? "", StringComparison.Ordinal);
        Assert.Equal(fault is null, found is null);
        Assert.DoesNotContain("QkJC", found ?? "", StringComparison.Ordinal);
        if (record is not null)
        {
            Assert.True(record.Content.Material.Span.SequenceEqual(Enumerable.Repeat((byte)0x42, 32).ToArray()));
            using SecretBuffer same = Kv2RecordWriter.Rewrite(record, record.Content);
            Assert.Equal(text, Encoding.UTF8.GetString(same.WrittenSpan));
        }
    }

    [Theory]
    [InlineData("", "", null)]
    [InlineData("\"version\":1,", "\"version\":2,", "its path")]
    [InlineData("\"version\":1,", "", "version")]
    [InlineData("\"version\":1,", "\"version\":1,\"version\":1,", "twice")]
    [InlineData("+00:00[UTC]", "Z", "created_at")]
    [InlineData("QkI=", "QkJ=", "base64")]
    [InlineData("\"created_at\"", "\"made_at\"", "created_at")]
    [InlineData("}", ",\"more\":[]}", null)]
    public void VersionRecord_IsReadAsRustFsWould(string part, string instead, string? fault)
    {
        string text = part.Length == 0 ? GoodVersion : GoodVersion.Replace(part, instead, StringComparison.Ordinal);
        using Kv2VersionRecord? record = Kv2VersionRecord.TryRead(Encoding.UTF8.GetBytes(text), 1, out string? found);
        Assert.Equal(fault is null, record is not null);
        Assert.Contains(fault ?? "", found ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsWritten_IsWhatRustFsWrites()
    {
        using Kv2Record record = Kv2RecordReader.TryRead(Encoding.UTF8.GetBytes(Good), "app-key", out _)!;
        using SecretBuffer written = Kv2RecordWriter.Write(record.Content);
        Assert.Equal(Good, Encoding.UTF8.GetString(written.WrittenSpan));
        using Kv2VersionRecord version = Kv2VersionRecord.TryRead(Encoding.UTF8.GetBytes(GoodVersion), 1, out _)!;
        using SecretBuffer text = version.ToUtf8();
        Assert.Equal(GoodVersion, Encoding.UTF8.GetString(text.WrittenSpan));
    }

    [Fact]
    public void Rewrite_TouchesWhatChangesAlone()
    {
        string text = " " + Good.Replace("\"version\":1,", "\"z\" : \"\\u00e9\\/\", \"version\" : 1 ,", StringComparison.Ordinal) + " ";
        using Kv2Record record = Kv2RecordReader.TryRead(Encoding.UTF8.GetBytes(text), "app-key", out _)!;
        Kv2Content before = record.Content;
        using SecretBytes material = SecretBytes.CopyOf(Enumerable.Repeat((byte)0x43, 32).ToArray());
        Kv2Content after = new(
            before.Description with { Version = 2, RotatedAt = "2026-04-01T00:00:00+00:00[UTC]", StateBeforeDeletion = KeyState.Disabled, Description = "a\"\n" },
            Baseline: 1,
            WrapBudget: 5,
            material);
        using SecretBuffer written = Kv2RecordWriter.Rewrite(record, after);
        Assert.Equal(
            Good.Replace("\"version\":1,", "\"z\" : \"\\u00e9\\/\",\"version\":2,", StringComparison.Ordinal)
                .Replace("\"app key\"", "\"a\\\"\\n\"", StringComparison.Ordinal)
                .Replace("\"rotated_at\":null", "\"rotated_at\":\"2026-04-01T00:00:00+00:00[UTC]\"", StringComparison.Ordinal)
                .Replace("QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=", "Q0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0M=", StringComparison.Ordinal)
                .Replace("\"baseline_version\":null,\"wrap_budget_reserved\":0", "\"baseline_version\":1,\"wrap_budget_reserved\":5", StringComparison.Ordinal)
                .Replace("\":5}", "\":5,\"kms_sidecar_state_before_deletion\":\"Disabled\"}", StringComparison.Ordinal),
            Encoding.UTF8.GetString(written.WrittenSpan));
    }

    [Fact]
    public void AnythingAtAll_IsReadOrRefused_AndNeverThrows()
    {
        Random random = new(20261126);
        byte[] good = Encoding.UTF8.GetBytes(Good);
        int read = 0;
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = [.. good];
            for (int edits = random.Next(1, 4); edits > 0; edits--)
            {
                int at = random.Next(bytes.Length);
                bytes = random.Next(4) switch
                {
                    0 => [.. bytes[..at], .. bytes[(at + 1)..]],
                    1 => [.. bytes[..at], (byte)random.Next(256), .. bytes[at..]],
                    2 => [.. bytes[..at], .. bytes[random.Next(bytes.Length)..]],
                    _ => [.. bytes[..at], (byte)random.Next(256), .. bytes[(at + 1)..]],
                };
                if (bytes.Length == 0)
                {
                    break;
                }
            }

            using Kv2Record? record = Kv2RecordReader.TryRead(bytes, "k", out string? fault);
            Assert.Equal(record is null, fault is not null);
            using Kv2VersionRecord? version = Kv2VersionRecord.TryRead(bytes, 1, out _);
            if (record is not null)
            {
                read++;
                using SecretBuffer same = Kv2RecordWriter.Rewrite(record, record.Content);
                Assert.True(JsonNode.DeepEquals(JsonNode.Parse(bytes), JsonNode.Parse(same.WrittenSpan)) || HasTwins(bytes));
            }
        }

        Assert.InRange(read, 100, 19_000);
        Assert.Null(Kv2RecordReader.TryRead(new byte[RecordMembers.MaxLength + 1], "k", out _));
    }

    /// <summary>Members that nobody knows may come twice, which the framework's tree refuses.</summary>
    private static bool HasTwins(byte[] utf8)
    {
        try
        {
            _ = JsonNode.Parse(utf8)!.AsObject().Count;
            return false;
        }
        catch (ArgumentException)
        {
            return true;
        }
    }
}
