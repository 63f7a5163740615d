using System.Text;
using Dmt.Cli.Transfer;
using Dmt.Core;

namespace Dmt.Cli.Tests;

public class CsvTests
{
    [Theory]
    [InlineData("a,b", "a|b")]
    [InlineData("a,", "a|")]
    [InlineData(",", "|")]
    [InlineData("a", "a")]
    [InlineData("\"a,b\",c", "a,b|c")]
    [InlineData("\"say \"\"hi\"\"\",\"\"", "say \"hi\"|")]
    [InlineData("\"line\nend\",\"\"\"\"", "line\nend|\"")]
    [InlineData("a b , c ", "a b | c ")]
    [InlineData("é,\"ü,ö\"", "é|ü,ö")]
    public void Fields_are_cut_and_unquoted(string record, string expected)
    {
        var fields = new List<byte[]>();
        CsvParser.Split(Encoding.UTF8.GetBytes(record), fields);
        Assert.Equal(expected, string.Join('|', fields.Select(Encoding.UTF8.GetString)));
    }

    [Theory]
    [InlineData("\"a", "field 1 has no closing double quote")]
    [InlineData("a,\"b\"c", "field 2 goes on after its closing double quote")]
    [InlineData("a,b\"c", "field 2 holds a double quote: put the field in double quotes and double the one inside")]
    public void Wrong_quoting_names_the_field(string record, string expected)
    {
        var e = Assert.Throws<DmtException>(() => CsvParser.Split(Encoding.UTF8.GetBytes(record), []));
        Assert.Equal(expected, e.Message);
    }

    [Theory]
    [InlineData("key", "1 fields: expected key, value, weight, content_type, expires_at, at least the first two")]
    [InlineData("k,v,1,t/t,2030-01-01,x",
        "6 fields: expected key, value, weight, content_type, expires_at, at least the first two")]
    [InlineData("k,v,heavy", "the weight is \"heavy\": expected a number of at least 0")]
    [InlineData("k,v,-1", "the weight is out of range: expected a finite number of at least 0")]
    [InlineData("k,v,1,no type", "the content type \"no type\" is no media type of at most 256 ASCII characters")]
    [InlineData("k,v,1,,later", "expires_at is \"later\": expected a time such as 2030-01-31T12:00:00Z")]
    [InlineData(",v", "the key is empty: a key has 1 to 1024 bytes")]
    public void A_bad_record_says_why_and_adds_nothing(string record, string expected)
    {
        var chunk = new ImportChunk { Line = 2 };
        var e = Assert.Throws<DmtException>(
            () => new CsvParser(hasHeader: false).Parse(Encoding.UTF8.GetBytes(record), chunk));
        Assert.Equal(expected, e.Message);
        Assert.Equal(0, chunk.Batch.Count);
    }
}
