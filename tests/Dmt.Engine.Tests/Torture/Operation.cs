using System.Globalization;

namespace Dmt.Engine.Tests.Torture;

/// <summary>What an operation of the model test does. <see cref="Operation.Mix"/> gives the frequencies.</summary>
internal enum OperationKind
{
    Put,
    Delete,
    DeleteRange,
    DeletePrefix,
    Batch,
    Advance,
    Get,
    Scan,
    PrefixScan,
    Count,
    OpenIterator,
    StepIterator,
    CloseIterator,
    OpenSnapshot,
    ReadSnapshot,
    CloseSnapshot,
    Flush,
    Compact,
    Reopen,
    CrashReopen,
}

/// <summary>
/// One operation. Its meaning depends on nothing but its own numbers, so that a shrinker can take others away.
/// </summary>
internal readonly record struct Operation(OperationKind Kind, int Seed)
{
    /// <summary>How often each kind comes, in ten-thousandths.</summary>
    private static readonly (OperationKind Kind, int Share)[] Mix =
    [
        (OperationKind.Put, 3800), (OperationKind.Delete, 900), (OperationKind.DeleteRange, 100),
            (OperationKind.DeletePrefix, 120),
        (OperationKind.Batch, 500), (OperationKind.Advance, 200), (OperationKind.Get, 2400), (OperationKind.Scan, 500),
        (OperationKind.PrefixScan, 400), (OperationKind.Count, 60), (OperationKind.OpenIterator, 50),
            (OperationKind.StepIterator, 400),
        (OperationKind.CloseIterator, 50), (OperationKind.OpenSnapshot, 40), (OperationKind.ReadSnapshot, 415),
        (OperationKind.CloseSnapshot, 40), (OperationKind.Flush, 15), (OperationKind.Compact, 3),
            (OperationKind.Reopen, 3),
        (OperationKind.CrashReopen, 4),
    ];

    public static Operation[] Many(Random random, int count)
    {
        var total = Mix.Sum(static m => m.Share);
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            var ticket = random.Next(total);
            var kind = Mix.First(m => (ticket -= m.Share) < 0).Kind;
            return new Operation(kind, random.Next());
        })];
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Kind}:{Seed}");
}
