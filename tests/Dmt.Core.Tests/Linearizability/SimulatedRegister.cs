using System.Globalization;
using Dmt.Testing.Linearizability;

namespace Dmt.Core.Tests.Linearizability;

/// <summary>
/// Clients of registers that work: each call takes effect at one moment between its start and its end. Times are those
/// of a virtual clock, all different.
/// </summary>
internal sealed class SimulatedRegister(Random random, int keys, int clients, int values)
{
    private readonly Dictionary<string, string?> _registers = [];
    private readonly SortedDictionary<long, Action> _events = [];
    private readonly List<RegisterOperation> _history = [];
    private long _now;
    private long _written;
    private int _left;

    /// <summary>Lets the clients make so many calls in all.</summary>
    public List<RegisterOperation> Run(int calls)
    {
        _left = calls;
        for (var client = 0; client < clients; client++)
        {
            var caller = client;
            Post(0, now => Call(caller, now));
        }

        while (_events.Count > 0)
        {
            var (_, next) = _events.First();
            next();
        }

        return _history;
    }

    private void Call(int client, long start)
    {
        if (_left-- <= 0)
        {
            return;
        }

        var key = "k" + random.Next(keys).ToString(CultureInfo.InvariantCulture);
        var call = random.Next(10) switch
        {
            < 4 => RegisterCall.Get,
            < 8 => RegisterCall.Put,
            8 => RegisterCall.Delete,
            _ => RegisterCall.CompareAndSet,
        };
        var value = call is RegisterCall.Put or RegisterCall.CompareAndSet ? DrawValue() : null;
        var expected = call == RegisterCall.CompareAndSet && random.Next(2) == 0
            ? _registers.GetValueOrDefault(key) : null;
        var draw = random.Next(20);
        var outcome = draw == 0 ? RegisterOutcome.Unknown : draw == 1 ? RegisterOutcome.Failed : RegisterOutcome.Ok;
        var operation = new RegisterOperation(client, key, call, value, expected, start, 0, outcome);
        if (outcome == RegisterOutcome.Ok)
        {
            Post(1000, _ => TakeEffect(operation));
            return;
        }

        if (outcome == RegisterOutcome.Unknown && random.Next(2) == 0)
        {
            Post(10_000, _ => Apply(operation)); // After its client has given up, or before.
        }

        Post(1000, now => Return(operation, now));
    }

    private void TakeEffect(RegisterOperation operation)
    {
        var now = _registers.GetValueOrDefault(operation.Key);
        operation = operation.Call == RegisterCall.Get ? operation with { Value = now }
            : !Apply(operation) ? operation with { Outcome = RegisterOutcome.Refused }
            : operation;
        Post(1000, end => Return(operation, end));
    }

    private bool Apply(RegisterOperation operation)
    {
        if (operation.Call == RegisterCall.CompareAndSet
            && _registers.GetValueOrDefault(operation.Key) != operation.Expected)
        {
            return false;
        }

        if (operation.Call != RegisterCall.Get)
        {
            _registers[operation.Key] = operation.Value;
        }

        return true;
    }

    private void Return(RegisterOperation operation, long end)
    {
        _history.Add(operation with { End = end });
        Post(100, now => Call(operation.Client, now));
    }

    /// <summary>One of a few values, or where there is to be no end of them one that nobody has written.</summary>
    private string DrawValue() =>
        (values == 0 ? _written++ : random.Next(values)).ToString(CultureInfo.InvariantCulture);

    private void Post(int within, Action<long> action)
    {
        var at = _now + 1 + random.Next(within + 1);
        while (!_events.TryAdd(at, Run))
        {
            at++;
        }

        void Run()
        {
            _events.Remove(at);
            _now = at;
            action(at);
        }
    }

}
