namespace Dmt.Simulation;

/// <summary>How the network and the store behave at the moment. Probabilities are for one request.</summary>
internal sealed class SimFaults
{
    /// <summary>It fails and has no effect.</summary>
    public double ErrorBefore { get; set; }

    /// <summary>It has its effect, but the reply is an error.</summary>
    public double ErrorAfter { get; set; }

    /// <summary>The reply is an error, and the effect comes much later.</summary>
    public double LateEffect { get; set; }

    /// <summary>It takes seconds.</summary>
    public double Slow { get; set; }

    public static SimFaults None => new();

    /// <summary>A mix that the seed decides.</summary>
    public static SimFaults Draw(Random random)
    {
        double[] levels = [0, 0, 0.01, 0.05, 0.2];
        return new SimFaults
        {
            ErrorBefore = levels[random.Next(levels.Length)],
            ErrorAfter = levels[random.Next(levels.Length)],
            LateEffect = levels[random.Next(levels.Length)] / 2,
            Slow = levels[random.Next(levels.Length)] / 2,
        };
    }

    public SimOutcome DrawOutcome(Random random)
    {
        var draw = random.NextDouble();
        return draw < ErrorBefore ? SimOutcome.ErrorBefore
            : draw < ErrorBefore + ErrorAfter ? SimOutcome.ErrorAfter
            : draw < ErrorBefore + ErrorAfter + LateEffect ? SimOutcome.LateEffect
            : SimOutcome.Done;
    }
}

/// <summary>What becomes of a request.</summary>
internal enum SimOutcome
{
    Done,
    ErrorBefore,
    ErrorAfter,
    LateEffect,
}
