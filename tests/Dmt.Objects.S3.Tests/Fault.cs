namespace Dmt.Objects.S3.Tests;

/// <summary>What goes wrong with a request to <see cref="FakeS3"/>.</summary>
/// <param name="Status">Answered instead of what is true; 0 for the connection cut.</param>
/// <param name="Code">S3's code for the error.</param>
/// <param name="AfterEffect">The request takes effect all the same.</param>
internal sealed record Fault(int Status, string Code = "", bool AfterEffect = false)
{
    /// <summary>
    /// What the request waits for before anything happens to it; it goes on even when its sender has left.
    /// </summary>
    public Task Gate { get; init; } = Task.CompletedTask;

    /// <summary>What its answer waits for once it has taken effect.</summary>
    public Task AnswerGate { get; init; } = Task.CompletedTask;

    /// <summary>Nothing is wrong but the waiting.</summary>
    public bool OnlySlow { get; init; }

    /// <summary>The answer's head comes, and half of its body.</summary>
    public bool HalfBody { get; init; }

    /// <summary>Answered instead of an error of that code.</summary>
    public string? Body { get; init; }

    public static Fault Cut(bool afterEffect = false) => new(0, "", afterEffect);

    public static Fault Slow(Task gate) => new(0) { Gate = gate, OnlySlow = true };
}
