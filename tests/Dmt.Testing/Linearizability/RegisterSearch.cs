// Wing and Gong's search (1993) with Lowe's memory of states (2017), for one register. A state is the set of calls that
// have been put in order and the register's value; a call may be next when none of those left had ended before it
// began. What makes it fast is that a register allows most choices to be made at once, none of which can be wrong:
//   - a call that sees what the register has, and changes nothing, is next;
//   - of writes that write the same, the one that ends first is first;
//   - a write that nobody sees goes just before another write, as soon as it can;
//   - a write of unknown outcome takes place only just before a call that needs it, else it need not have;
//   - a value is not overwritten while somebody is left who sees it and nobody who could write it again.
// The third does not hold where a compare-and-set was refused, which sees that something is not there.
//
// Sets are remembered by a hash of 128 bits: each call has a random number, and a set is the exclusive or of its own.
// Two sets with one hash would be taken for the same; a million states have such a pair with a probability of 1e-27.
namespace Dmt.Testing.Linearizability;

internal sealed class RegisterSearch
{
    private const int Nobody = 0; // a value that no call expects or sees
    private const int Absent = 1;

    private readonly List<Step> _steps = []; // what the search may put in order; by start
    private readonly Dictionary<string, int> _values = []; // numbers of those that somebody sees
    private readonly List<List<int>> _unknown = []; // by value: puts and deletes whose outcome is unknown, by start
    private readonly List<int> _unknownUsed = []; // by value: how many of them have taken place
    private readonly List<int> _seersLeft = [];
    private readonly List<int> _writersLeft = [];
    private readonly int _statesMax;
    private readonly bool _looksAhead;
    private readonly bool _hasRefused;
    private readonly Stack<int> _order = new(); // the steps in order
    private readonly HashSet<(UInt128 Done, int Value)> _seen = [];
    private readonly int[] _next; // a ring of those left, by start; the last one is its head
    private readonly int[] _previous;
    private readonly int[] _needed = []; // by value, the round in which a call was found to need it
    private int _round;
    private int _requiredLeft;
    private int _value = Absent;
    private UInt128 _done;
    private int _furthest = -1;

    /// <param name="calls">Of one key, by start.</param>
    /// <param name="statesMax">Gives up after so many.</param>
    /// <param name="looksAhead">Leaves a value that can only be overwritten too early as it is. Without, the search
    /// gets stuck where people see why.</param>
    public RegisterSearch(List<RegisterOperation> calls, int statesMax, bool looksAhead = true)
    {
        (_statesMax, _looksAhead) = (statesMax, looksAhead);
        var effective = calls.FindAll(static one => one.Outcome != RegisterOutcome.Failed
            && (one.Outcome != RegisterOutcome.Unknown || one.Call != RegisterCall.Get));
        _hasRefused = effective.Exists(static one => one.Outcome == RegisterOutcome.Refused);
        foreach (var call in effective)
        {
            NumberOf(call.Call == RegisterCall.Get ? call.Value : call.Expected, isSeen: IsSeer(call));
        }

        var random = new Random(effective.Count);
        effective.ForEach(call => AddStep(call, new UInt128(Draw(random), Draw(random))));
        _needed = new int[_unknown.Count];
        Required = _requiredLeft;
        (_next, _previous) = (new int[_steps.Count + 1], new int[_steps.Count + 1]);
        MakeRing();
    }

    /// <summary>Calls that must be put in order.</summary>
    public int Required { get; }

    /// <summary>States that were looked at.</summary>
    public int States => _seen.Count;

    /// <summary>The longest order that was found, and what might have been next.</summary>
    public (IReadOnlyList<RegisterOperation> Explained, IReadOnlyList<RegisterOperation> Stuck) Furthest
    {
        get;
        private set;
    } = ([], []);

    /// <summary>Whether there is an order; null when that took too long to find out.</summary>
    public bool? Run()
    {
        var frames = new Stack<Frame>();
        TakeWhatSees();
        while (true)
        {
            if (_requiredLeft == 0)
            {
                return true;
            }

            if (_seen.Add((_done, _value)))
            {
                if (_seen.Count > _statesMax)
                {
                    return null;
                }

                var choices = Choices();
                if (choices.Count == 0)
                {
                    NoteStuck();
                }

                frames.Push(new Frame(_order.Count, _value, choices));
            }

            if (!TryNext(frames))
            {
                return false;
            }
        }
    }

    private static bool IsSeer(RegisterOperation call) =>
        call.Call is RegisterCall.Get or RegisterCall.CompareAndSet;

    private static ulong Draw(Random random) => (ulong)random.NextInt64(long.MinValue, long.MaxValue);

    /// <summary>Back to where something is left to try, and on from there.</summary>
    private bool TryNext(Stack<Frame> frames)
    {
        while (frames.TryPeek(out var frame))
        {
            BackTo(frame.Steps, frame.Value);
            if (frame.Choices.TryDequeue(out var choice))
            {
                Choose(choice);
                TakeWhatSees();
                return true;
            }

            frames.Pop();
        }

        return false;
    }

    private void AddStep(RegisterOperation call, UInt128 hash)
    {
        var isUnknown = call.Outcome == RegisterOutcome.Unknown;
        var isRefused = call.Outcome == RegisterOutcome.Refused;
        var (sees, writes) = call.Call switch
        {
            RegisterCall.Get => (NumberOf(call.Value, true), -1),
            RegisterCall.CompareAndSet => (NumberOf(call.Expected, true), isRefused ? -1 : NumberOf(call.Value, false)),
            _ => (-1, NumberOf(call.Call == RegisterCall.Put ? call.Value : null, false)),
        };
        if (isUnknown && writes == Nobody && !_hasRefused)
        {
            return; // Whether it took place makes no difference.
        }

        var isHelp = isUnknown && sees < 0;
        var end = isUnknown ? long.MaxValue : call.End;
        var step = new Step(call, sees, writes, isRefused, end, isUnknown, isHelp, hash);
        if (isHelp)
        {
            _unknown[writes].Add(_steps.Count);
        }

        _steps.Add(step);
        Count(step, 1);
    }

    /// <summary>Values that nobody sees are one.</summary>
    private int NumberOf(string? value, bool isSeen)
    {
        while (_unknown.Count <= Absent)
        {
            AddValue();
        }

        if (value is null)
        {
            return Absent;
        }

        if (!_values.TryGetValue(value, out var number) && isSeen)
        {
            number = _unknown.Count;
            _values.Add(value, number);
            AddValue();
        }

        return number;

        void AddValue()
        {
            _unknown.Add([]);
            _unknownUsed.Add(0);
            _seersLeft.Add(0);
            _writersLeft.Add(0);
        }
    }

    private void MakeRing()
    {
        var last = _steps.Count;
        for (var i = 0; i < _steps.Count; i++)
        {
            if (!_steps[i].IsHelp)
            {
                (_next[last], _previous[i]) = (i, last);
                last = i;
            }
        }

        (_next[last], _previous[_steps.Count]) = (_steps.Count, last);
    }

    /// <summary>Those left that may be next, and when the first of those left ends.</summary>
    private List<int> Window(out long endMin)
    {
        var window = new List<int>();
        endMin = long.MaxValue;
        for (var i = _next[_steps.Count]; i < _steps.Count && _steps[i].Call.Start <= endMin; i = _next[i])
        {
            window.Add(i);
            endMin = Math.Min(endMin, _steps[i].End);
        }

        return window;
    }

    /// <summary>Puts in order what sees the value as it is and changes nothing.</summary>
    private void TakeWhatSees()
    {
        var endMin = long.MaxValue;
        for (var i = _next[_steps.Count]; i < _steps.Count && _steps[i].Call.Start <= endMin;)
        {
            var step = _steps[i];
            if (step.Writes < 0 && step.Fits(_value))
            {
                Take(i);
                (i, endMin) = (_next[_steps.Count], long.MaxValue); // What was after it may be next now.
                continue;
            }

            endMin = Math.Min(endMin, step.End);
            i = _next[i];
        }
    }

    /// <summary>Writes that may be next: of those that write the same only one.</summary>
    private Queue<int> Choices()
    {
        var choices = new List<int>();
        _round++;
        foreach (var i in Window(out var endMin))
        {
            var step = _steps[i];
            if (!step.Fits(_value))
            {
                AddHelp(step, endMin, choices);
            }
            else if (step.Sees >= 0)
            {
                choices.Add(i);
            }
            else if (choices.FindIndex(other => IsLike(step, other)) is >= 0 and var at)
            {
                choices[at] = _steps[choices[at]].End <= step.End ? choices[at] : i;
            }
            else
            {
                choices.Add(i);
            }
        }

        choices.RemoveAll(i => IsDeadEnd(_steps[i]));
        return new Queue<int>(choices.OrderBy(i => _steps[i].End).ThenBy(static i => i));

        bool IsLike(Step step, int other) =>
            _steps[other] is { Sees: < 0, IsHelp: false } && _steps[other].Writes == step.Writes;
    }

    private void NoteStuck()
    {
        if (_order.Count > _furthest)
        {
            _furthest = _order.Count;
            Furthest = (
                [.. _order.Reverse().Select(i => _steps[i].Call)], [.. Window(out _).Select(i => _steps[i].Call)]);
        }
    }

    /// <summary>Adds writes of unknown outcome after which the call could be next.</summary>
    private void AddHelp(Step step, long endMin, List<int> choices)
    {
        if (!step.IsRefused)
        {
            Add(step.Sees);
            return;
        }

        for (var value = 0; value < _unknown.Count; value++)
        {
            if (value != step.Sees)
            {
                Add(value);
            }
        }

        void Add(int value)
        {
            if (_needed[value] != _round
                && _unknownUsed[value] < _unknown[value].Count
                && _unknown[value][_unknownUsed[value]] is var i
                && _steps[i].Call.Start <= endMin)
            {
                _needed[value] = _round;
                choices.Add(i);
            }
        }
    }

    /// <summary>Somebody is left who sees the value, and nobody who could write it again.</summary>
    private bool IsDeadEnd(Step next)
    {
        var seesItself = next.Sees == _value && !next.IsOptional ? 1 : 0;
        return _looksAhead && next.Writes != _value && _seersLeft[_value] > seesItself && _writersLeft[_value] == 0;
    }

    private void Choose(int choice)
    {
        var step = _steps[choice];
        if (step.Sees < 0 && !_hasRefused)
        {
            TakeWhatNobodySees(choice);
        }

        Take(choice);
        _value = step.Writes;
    }

    private void TakeWhatNobodySees(int choice)
    {
        var endMin = long.MaxValue;
        for (var i = _next[_steps.Count]; i < _steps.Count && _steps[i].Call.Start <= endMin;)
        {
            var step = _steps[i];
            if (i != choice && step is { Sees: < 0, Writes: Nobody })
            {
                Take(i);
                (i, endMin) = (_next[_steps.Count], long.MaxValue);
                continue;
            }

            endMin = Math.Min(endMin, step.End);
            i = _next[i];
        }
    }

    private void Take(int i)
    {
        var step = _steps[i];
        _order.Push(i);
        _done ^= step.Hash;
        Count(step, -1);
        if (step.IsHelp)
        {
            _unknownUsed[step.Writes]++;
            return;
        }

        (_next[_previous[i]], _previous[_next[i]]) = (_next[i], _previous[i]);
    }

    private void BackTo(int steps, int value)
    {
        while (_order.Count > steps)
        {
            var i = _order.Pop();
            var step = _steps[i];
            _done ^= step.Hash;
            Count(step, 1);
            if (step.IsHelp)
            {
                _unknownUsed[step.Writes]--;
                continue;
            }

            (_next[_previous[i]], _previous[_next[i]]) = (i, i);
        }

        _value = value;
    }

    private void Count(Step step, int by)
    {
        if (!step.IsOptional)
        {
            _requiredLeft += by;
            if (step.Sees >= 0 && !step.IsRefused)
            {
                _seersLeft[step.Sees] += by;
            }
        }

        if (step.Writes >= 0)
        {
            _writersLeft[step.Writes] += by;
        }
    }

    /// <summary>A call as the search sees it.</summary>
    /// <param name="Call">The call.</param>
    /// <param name="Sees">The value that the register must have; -1 for any.</param>
    /// <param name="Writes">The value that it has then; -1 for the same.</param>
    /// <param name="IsRefused">The register must have another value than that.</param>
    /// <param name="End">Until when it must have been; the end of time if it need not.</param>
    /// <param name="IsOptional">It need not have been.</param>
    /// <param name="IsHelp">It takes place only just before a call that needs it.</param>
    /// <param name="Hash">Its part in the hash of a set.</param>
    private sealed record Step(
        RegisterOperation Call,
        int Sees,
        int Writes,
        bool IsRefused,
        long End,
        bool IsOptional,
        bool IsHelp,
        UInt128 Hash)
    {
        public bool Fits(int value) => Sees < 0 || (Sees == value) != IsRefused;
    }

    /// <summary>A state that the search may come back to.</summary>
    private sealed record Frame(int Steps, int Value, Queue<int> Choices);
}
