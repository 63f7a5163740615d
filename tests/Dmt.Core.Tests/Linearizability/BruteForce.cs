using Dmt.Testing.Linearizability;

namespace Dmt.Core.Tests.Linearizability;

/// <summary>Tries every order of the calls on one key: what the checker must agree with.</summary>
internal static class BruteForce
{
    public static bool IsLinearizable(IReadOnlyList<RegisterOperation> calls) => Try([.. calls], null);

    private static bool Try(List<RegisterOperation> left, string? value)
    {
        if (left.TrueForAll(static one => IsOptional(one)))
        {
            return true;
        }

        foreach (var next in left)
        {
            var mayBeNext = next.Outcome != RegisterOutcome.Failed
                && !left.Exists(other => !IsOptional(other) && other.End < next.Start);
            if (mayBeNext && Apply(next, value, out var after)
                && Try(left.FindAll(other => !ReferenceEquals(other, next)), after))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsOptional(RegisterOperation call) =>
        call.Outcome is RegisterOutcome.Failed or RegisterOutcome.Unknown;

    private static bool Apply(RegisterOperation call, string? value, out string? after)
    {
        after = call.Call is RegisterCall.Get || call.Outcome == RegisterOutcome.Refused ? value : call.Value;
        return call switch
        {
            { Outcome: RegisterOutcome.Unknown, Call: RegisterCall.Get } => true,
            { Call: RegisterCall.Get } => call.Value == value,
            { Outcome: RegisterOutcome.Refused } => call.Expected != value,
            { Call: RegisterCall.CompareAndSet } => call.Expected == value,
            _ => true,
        };
    }
}
