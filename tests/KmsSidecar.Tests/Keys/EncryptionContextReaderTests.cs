using System.Buffers;
using System.Text;
using System.Text.Json;
using CsCheck;
using KmsSidecar.Keys;
using Xunit;

namespace KmsSidecar.Tests.Keys;

public sealed class EncryptionContextReaderTests
{
    [Theory]
    [InlineData("{}", "{}")]
    [InlineData(" { } ", "{}")]
    [InlineData("""{ "b" : "2", "a" : "1" }""", """{"a":"1","b":"2"}""")]
    [InlineData("""{"\u0061\/\u00e9":"\ud83d\ude00\"\\\/\b\f\n\r\t\u001F"}""", """{"a/é":"😀\"\\/\b\f\n\r\t\u001f"}""")]
    [InlineData("""{"a":"","":"a"}""", """{"":"a","a":""}""")]
    public void Object_IsReadIntoCanonicalForm(string json, string canonical)
    {
        Utf8JsonReader reader = StandingOnObject(json);
        Assert.True(EncryptionContext.TryRead(ref reader, out EncryptionContext? context, out string? fault), fault);
        Assert.Equal(canonical, Encoding.UTF8.GetString(context.CanonicalBytes));
        Assert.Null(fault);
        Assert.Equal(JsonTokenType.EndObject, reader.TokenType);
        Assert.False(reader.Read());
    }

    [Theory]
    [InlineData("""{"a":1}""", "encryption_context.a must be a string")]
    [InlineData("""{"a":null}""", "encryption_context.a must be a string")]
    [InlineData("""{"a":{"b":"c"}}""", "encryption_context.a must be a string")]
    [InlineData("""{"x":"y","a":["b"]}""", "encryption_context.a must be a string")]
    [InlineData("""{"a":"1","b":"2","a":"1"}""", "encryption_context.a is given twice")]
    [InlineData("""{"a":"1","\u0061":"2"}""", "encryption_context.a is given twice")]
    [InlineData("""{"":"1","":"2"}""", "encryption_context. is given twice")]
    [InlineData("""{"a":"\ud800"}""", "encryption_context.a is not valid Unicode")]
    [InlineData("""{"a":"\udc00\ud800"}""", "encryption_context.a is not valid Unicode")]
    [InlineData("""{"a":"\ud800\u0041"}""", "encryption_context.a is not valid Unicode")]
    [InlineData("""{"a":"\ud800\\udc00"}""", "encryption_context.a is not valid Unicode")]
    [InlineData("""{"a":"\ud800x\udc00"}""", "encryption_context.a is not valid Unicode")]
    [InlineData("""{"\ud800":"a"}""", "encryption_context has a name that is not valid Unicode")]
    public void Faults_NameTheMember(string json, string expected) => Assert.Equal(expected, FaultOf(Encoding.UTF8.GetBytes(json)));

    [Fact]
    public void InvalidUtf8_IsAFault()
    {
        Assert.Equal("encryption_context.a is not valid Unicode", FaultOf([.. "{\"a\":\""u8, 0xc3, 0x28, .. "\"}"u8]));
        Assert.Equal("encryption_context has a name that is not valid Unicode", FaultOf([.. "{\""u8, 0xff, .. "\":\"\"}"u8]));
    }

    [Fact]
    public void Faults_AreShortAndPrintable()
    {
        string name = "\u001b[31m" + new string('x', 33) + "😀" + new string('y', 5000);
        string fault = FaultOf(Encoding.UTF8.GetBytes($"{{{JsonSerializer.Serialize(name)}:1}}"));
        Assert.Equal($"encryption_context.\\u001B[31m{new string('x', 33)}... must be a string".Replace("x...", "x\\uD83D\\uDE00..."), fault);
        Assert.All(FaultOf(Encoding.UTF8.GetBytes($"{{\"{new string('x', 39)}😀\":1}}")), c => Assert.InRange(c, ' ', '~'));
    }

    [Fact]
    public void Length_IsBoundedHoweverItIsSpelled()
    {
        // The frame {"":""} is seven bytes; each of these characters is one byte in canonical form.
        string longest = string.Concat(Enumerable.Repeat("\\u0061", EncryptionContext.MaxCanonicalLength - 7));
        Utf8JsonReader reader = StandingOnObject($"{{\"\":\"{longest}\"}}");
        Assert.True(EncryptionContext.TryRead(ref reader, out EncryptionContext? context, out _));
        Assert.Equal(EncryptionContext.MaxCanonicalLength, context.CanonicalBytes.Length);

        Assert.Equal(EncryptionContextBuilder.TooLong, FaultOf(Encoding.UTF8.GetBytes($"{{\"\":\"{longest}a\"}}")));
        Assert.Equal(EncryptionContextBuilder.TooLong, FaultOf(Encoding.UTF8.GetBytes($"{{\"\":\"{new string('x', 200_000)}\"}}")));
        Assert.Equal(EncryptionContextBuilder.TooLong, FaultOf(Encoding.UTF8.GetBytes($"{{\"{new string('x', 200_000)}\":\"\"}}")));
        string many = string.Join(',', Enumerable.Range(0, 3000).Select(i => $"\"{i}\":\"\""));
        Assert.Equal(EncryptionContextBuilder.TooLong, FaultOf(Encoding.UTF8.GetBytes($"{{{many}}}")));
    }

    [Fact]
    public void SegmentedInput_ReadsTheSame()
    {
        byte[] json = Encoding.UTF8.GetBytes("""{"na\u006de":"val\u0075e","é":"ü"}""");
        Segment last = new(ReadOnlyMemory<byte>.Empty, json.Length, null);
        for (int i = json.Length - 1; i >= 0; i--)
        {
            last = new Segment(json.AsMemory(i, 1), i, last);
        }

        Segment end = last;
        while (end.Next is Segment next)
        {
            end = next;
        }

        Utf8JsonReader reader = new(new ReadOnlySequence<byte>(last, 0, end, end.Memory.Length));
        reader.Read();
        Assert.True(EncryptionContext.TryRead(ref reader, out EncryptionContext? context, out _));
        Assert.Equal("""{"name":"value","é":"ü"}""", Encoding.UTF8.GetString(context.CanonicalBytes));
    }

    [Fact]
    public void AnyJsonObjectOfStrings_IsReadAsItsPairs() => Gen.Dictionary(Gen.String[0, 8], Gen.String[0, 8])[0, 5].Sample(pairs =>
    {
        // The framework's encoder replaces lone surrogates, so what it wrote is compared, not what was generated.
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(pairs);
        using JsonDocument document = JsonDocument.Parse(json);
        List<KeyValuePair<string, string>> read =
            [.. document.RootElement.EnumerateObject().Select(pair => KeyValuePair.Create(pair.Name, pair.Value.GetString()!))];
        Utf8JsonReader reader = StandingOnObject(Encoding.UTF8.GetString(json));
        bool unique = read.Select(pair => pair.Key).Distinct().Count() == read.Count;
        return EncryptionContext.TryRead(ref reader, out EncryptionContext? context, out _) == unique
            && (!unique || EncryptionContext.FromPairs(read).Equals(context));
    });

    [Fact]
    public void Misplaced_Reader_IsMisuse()
    {
        Assert.Throws<ArgumentException>(() =>
        {
            Utf8JsonReader reader = new("{}"u8);
            EncryptionContext.TryRead(ref reader, out _, out _);
        });
        Assert.Throws<ArgumentException>(() =>
        {
            Utf8JsonReader reader = new("{\"a\":"u8, isFinalBlock: false, default);
            reader.Read();
            EncryptionContext.TryRead(ref reader, out _, out _);
        });
    }

    private static Utf8JsonReader StandingOnObject(string json) => StandingOnObject(Encoding.UTF8.GetBytes(json));

    private static Utf8JsonReader StandingOnObject(byte[] json)
    {
        Utf8JsonReader reader = new(json);
        reader.Read();
        return reader;
    }

    private static string FaultOf(byte[] json)
    {
        Utf8JsonReader reader = StandingOnObject(json);
        Assert.False(EncryptionContext.TryRead(ref reader, out EncryptionContext? context, out string? fault));
        Assert.Null(context);
        return fault;
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, int index, Segment? next)
        {
            Memory = memory;
            RunningIndex = index;
            Next = next;
        }

        public new Segment? Next
        {
            get => (Segment?)base.Next;
            private init => base.Next = value;
        }
    }
}
