namespace Dmt.Benchmarks;

/// <summary>
/// An ordered set of keys under measurement. The managed ones share the key arrays with the caller, which they would
/// own.
/// </summary>
internal abstract class Contender
{
    public abstract string Name { get; }

    public abstract void Build(byte[][] keys);

    /// <summary>Finds each of the keys.</summary>
    public abstract void Gets(byte[][] keys);

    /// <summary>False where <see cref="Tens"/> does nothing, because the structure cannot seek.</summary>
    public virtual bool CanList => true;

    /// <summary>Lists up to ten keys under each prefix.</summary>
    public abstract void Tens(ReadOnlySpan<byte[]> prefixes);

    /// <summary>Walks all keys and looks at each.</summary>
    public abstract void All();

    /// <summary>Forgets all keys.</summary>
    public abstract void Drop();

    /// <summary>Bytes in use outside the managed heap.</summary>
    public virtual long NativeBytes => 0;

    /// <summary>True when it keeps the caller's key arrays, so that they count as its own.</summary>
    public virtual bool KeepsKeys => true;

    /// <summary>Fails the run when a contender does not do its work.</summary>
    protected static void Expect(bool holds)
    {
        if (!holds)
        {
            throw new InvalidOperationException("the contender lost a key");
        }
    }
}
