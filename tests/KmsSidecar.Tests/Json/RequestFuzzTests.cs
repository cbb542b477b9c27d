using System.Buffers;
using System.Text;
using CsCheck;
using KmsSidecar.Api;
using KmsSidecar.Api.AwsKms;
using KmsSidecar.Configuration;
using KmsSidecar.Errors;
using Xunit;

namespace KmsSidecar.Tests.Json;

/// <summary>Whatever bytes a body has: every reader of bodies takes it or throws <see cref="KmsException"/>, and nothing else.</summary>
public sealed class RequestFuzzTests
{
    private const int Iterations = 5_000;

    private static readonly byte[][] Bodies =
    [
        .. new[]
        {
            """{"backend_type":"local","key_dir":"/x","default_key_id":"k","enable_cache":true,"cache_ttl_seconds":900,"master_key":"p\u00e4ss"}""",
            """{"backend_type":"static","timeout_seconds":20,"key_id":null}""",
            """{"KeyUsage":"ENCRYPT_DECRYPT","Description":"rotation-2024-09","Tags":{"name":"x","owner":"y"},"key_name":"x"}""",
            """{"key_id":"alias/x","key_spec":"AES_256","encryption_context":{"bucket":"b\u0000","k\u00e9y":"\ud83d\udd11"},"count":3}""",
            """{"ciphertext_blob":"QUJDRA==","encryption_context":{"a":"b"}}""",
            """{"KeyId":"k","EncryptionContext":{"a":"b"},"NumberOfBytes":32,"CiphertextBlob":"QUJDRA==","Plaintext":"QUI=","DryRun":true,"New":[{}]}""",
            """{"KeyId":null,"Tags":[{"TagKey":"a","TagValue":"b","x":1}],"TagKeys":["a"],"Limit":3,"Marker":"m","Recipient":{"a":[]}}""",
            """{"plaintext":"QUJDRA==","key_id":null,"encryption_context":null}""",
        }.Select(Encoding.UTF8.GetBytes),
    ];

    private static readonly string[] Fragments =
        ["{", "}", "[", "]", "\"", ":", ",", "null", "\\", "\\ud800", "1e999", "-", "\0", "\u00ff", "{\"a\":", "{}{}"];

    /// <summary>What turns one JSON text into another, or into none.</summary>
    private static readonly Gen<byte[]> Mutations = Gen.OneOf(
        Gen.Byte.Array[1, 3],
        Gen.Int[0, Fragments.Length - 1].Select(static index => Encoding.Latin1.GetBytes(Fragments[index])));

    [Fact]
    public void RandomBytes_AreNeverACrash() => Gen.Byte.Array[0, 64].Sample(ReadEverywhere, iter: Iterations);

    [Fact]
    public void MutatedBodies_AreNeverACrash() =>
        Gen.Select(Gen.Int[0, Bodies.Length - 1], Gen.Select(Gen.Int[0, 200], Gen.Int[0, 4], Mutations).Array[1, 4]).Sample(
            static (index, edits) =>
            {
                byte[] body = Bodies[index];
                foreach ((int at, int removed, byte[] inserted) in edits)
                {
                    int start = at % (body.Length + 1);
                    body = [.. body.AsSpan(0, start), .. inserted, .. body.AsSpan(Math.Min(body.Length, start + removed))];
                }

                ReadEverywhere(body);
            },
            iter: Iterations);

    [Fact]
    public void TruncatedBodies_AreRefused() => Assert.All(Bodies, static body =>
    {
        for (int length = 1; length < body.Length; length++)
        {
            ReadEverywhere(body[..length]);
            Assert.Throws<KmsException>(() => ConfigurationPatch.Read(body.AsSpan(0, length), BackendType.Local, "it has to be").Dispose());
        }
    });

    private static void ReadEverywhere(byte[] body)
    {
        byte[] buffer = new byte[64];
        Read(() => ConfigurationPatch.Read(body, current: null, "it has to be").Dispose());
        Read(() => NewKeyRequest.Read(body));
        Read(() => DataKeyRequest.Read(body, payload: null, buffer: []));
        Read(() => DataKeyRequest.Read(body, "ciphertext_blob", buffer));
        Read(() => DataKeyRequest.Read(body, "plaintext", buffer));
        using Call call = new();
        call.Input.Write(body);
        Read(() => AwsRequest.Read(call));
    }

    private static void Read(Action read)
    {
        try
        {
            read();
        }
        catch (KmsException refused)
        {
            Assert.InRange(KmsErrors.Describe(refused.Error).Status, 400, 501);
        }
        catch (AwsException refused)
        {
            Assert.True(refused.Code is AwsErrorCode.SerializationException or AwsErrorCode.ValidationException, refused.Message);
        }
    }
}
