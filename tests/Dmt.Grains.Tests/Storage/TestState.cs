namespace Dmt.Grains.Tests.Storage;

[GenerateSerializer]
[Alias("Dmt.Grains.Tests.TestState")]
internal sealed record TestState
{
    [Id(0)]
    public string Text { get; set; } = "";

    [Id(1)]
    public int Number { get; set; }

    [Id(2)]
    public byte[] Bytes { get; set; } = [];
}
