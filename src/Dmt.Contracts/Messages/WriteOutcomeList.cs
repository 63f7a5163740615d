using Dmt.Core;

namespace Dmt.Contracts.Messages;

/// <summary>What came of writes, in their order, in one piece.</summary>
[GenerateSerializer, Immutable, Alias("dmt.write-outcome-list")]
public readonly record struct WriteOutcomeList
{
    private const byte Written = 0;

    [Id(0)]
    public int Count { get; init; }

    /// <summary>
    /// Of each a byte, 0 where it was done and else one more than the kind of its error; a version; and the text of the
    /// error where there is one.
    /// </summary>
    [Id(1)]
    public ReadOnlyMemory<byte> Encoded { get; init; }

    public static WriteOutcomeList Of(ReadOnlySpan<WriteOutcome> outcomes)
    {
        var to = new FlatWriter(outcomes.Length * 8);
        foreach (ref readonly var outcome in outcomes)
        {
            to.Byte(outcome.ErrorKind is { } kind ? (byte)(kind + 1) : Written);
            to.Number(outcome.Version);
            if (outcome.ErrorKind is not null)
            {
                to.Text(outcome.Message ?? string.Empty);
            }
        }

        return new WriteOutcomeList { Count = outcomes.Length, Encoded = to.Written };
    }

    /// <exception cref="DmtException">InvalidArgument where that is not what it holds.</exception>
    public WriteOutcome[] ToArray()
    {
        var from = new FlatReader(Encoded, "a list of outcomes");
        var outcomes = from.Array<WriteOutcome>(Count);
        for (var i = 0; i < outcomes.Length; i++)
        {
            var error = from.Byte();
            var version = from.Number();
            outcomes[i] = error == Written
                ? new WriteOutcome { Version = version }
                : new WriteOutcome
                {
                    Version = version,
                    ErrorKind = (DmtErrorKind)(error - 1),
                    Message = from.Text(),
                };
        }

        return outcomes;
    }
}
