using System.Text;
using Dmt.Cli.Transfer;

namespace Dmt.Cli.Tests;

public class RecordReaderTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(4096)]
    public async Task Lines_come_with_number_and_end_offset_whatever_the_reads(int readBytes)
    {
        var records =
            await ReadAsync("one\r\ntwo\n\nfour with more than a buffer of text in it\nlast", quoted: false, readBytes);
        Assert.Equal(
            [("one", 1, 5), (
                "two", 2, 9), ("", 3, 10), ("four with more than a buffer of text in it", 4, 53), ("last", 5, 57)],
            records);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4096)]
    public async Task A_line_end_in_quotes_belongs_to_the_record(int readBytes)
    {
        var records = await ReadAsync("a,\"x\ny\"\n\"q\"\"\n\",z\nend\n", quoted: true, readBytes);
        Assert.Equal([("a,\"x\ny\"", 1, 8), ("\"q\"\"\n\",z", 3, 17), ("end", 5, 21)], records);
    }

    [Fact]
    public async Task Reading_goes_on_at_any_end_offset()
    {
        const string Text = "aa\nbbb\nc\n";
        var all = await ReadAsync(Text, quoted: false, 4096);
        foreach (var (_, line, end) in all)
        {
            using var reader =
                new RecordReader(new MemoryStream(Encoding.UTF8.GetBytes(Text[(int)end..])), false, end, line + 1);
            var rest = new List<(string, long, long)>();
            while (await reader.ReadAsync(default))
            {
                rest.Add((Encoding.UTF8.GetString(reader.Current), reader.Line, reader.Offset));
            }

            Assert.Equal(all.Where(r => r.Line > line), rest);
        }
    }

    [Fact]
    public async Task An_empty_source_has_no_records() => Assert.Empty(await ReadAsync("", quoted: false, 16));

    [Theory]
    [InlineData("a\n")]
    [InlineData("a")]
    [InlineData("")]
    public async Task The_end_stays_the_end(string text)
    {
        using var reader = new RecordReader(new MemoryStream(Encoding.UTF8.GetBytes(text)), quoted: false);
        while (await reader.ReadAsync(default))
        {
        }

        Assert.False(await reader.ReadAsync(default));
        Assert.False(await reader.ReadAsync(default));
        Assert.Equal(text.Length, reader.Offset);
    }

    private static async Task<List<(
        string Text, long Line, long End)>> ReadAsync(string text, bool quoted, int readBytes)
    {
        using var reader =
            new RecordReader(new Dribble(Encoding.UTF8.GetBytes(text), readBytes), quoted, bufferBytes: 1);
        var records = new List<(string, long, long)>();
        while (await reader.ReadAsync(default))
        {
            records.Add((Encoding.UTF8.GetString(reader.Current), reader.Line, reader.Offset));
        }

        return records;
    }

    /// <summary>Gives at most so many bytes at a time.</summary>
    private sealed class Dribble(byte[] content, int bytes) : MemoryStream(content)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(bytes, buffer.Length)], cancellationToken);
    }
}
