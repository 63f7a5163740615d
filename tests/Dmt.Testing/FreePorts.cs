using System.Net;
using System.Net.Sockets;

namespace Dmt.Testing;

/// <summary>
/// Ports for servers that must be told theirs before they start. Not those that the system gives to connections that go
/// out: one of these could take the port before the server does.
/// </summary>
public static class FreePorts
{
    private const int First = 20_000;
    private const int End = 32_000; // Linux begins at 32,768

    /// <summary>Different TCP ports of the loopback address on which nobody listens now.</summary>
    public static int[] Take(int count)
    {
        var listeners = new List<TcpListener>();
        try
        {
            while (listeners.Count < count)
            {
                var listener = new TcpListener(IPAddress.Loopback, Random.Shared.Next(First, End));
                try
                {
                    listener.Start();
                    listeners.Add(listener);
                }
                catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
                {
                    listener.Dispose(); // Another one, then.
                }
            }

            return [.. listeners.Select(static listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        }
        finally
        {
            listeners.ForEach(static listener => listener.Dispose());
        }
    }
}
