using System.Globalization;

namespace Dmt.Core;

/// <summary>
/// Names a write, so that however often it is sent it is applied once: a shard that has applied it answers with the
/// version that it had the first time. A number may be used again only to send the same write again.
/// </summary>
/// <param name="Client">Whoever counts; drawn at random, once for each instance of a client.</param>
/// <param name="Number">The client's counter, from 1.</param>
/// <param name="PendingFrom">
/// The lowest number that the client may still send again, 1 to <paramref name="Number"/>: everything below is
/// complete, may be forgotten, and is refused from then on.
/// </param>
public readonly record struct RequestId(ulong Client, ulong Number, ulong PendingFrom)
{
    /// <exception cref="DmtException">InvalidArgument, saying what is allowed.</exception>
    public void Validate()
    {
        if (PendingFrom < 1 || Number < PendingFrom)
        {
            throw DmtException.InvalidArgument(
                $"{this}, pending from {PendingFrom}: expected a number of at least 1, and pending from 1 up to it");
        }
    }

    /// <summary>Client and number, as messages show them.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"request {Number} of client {Client:x16}");
}
