using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Grains.Storage;

/// <summary>
/// Where the state of a grain lies: <c>grain-state/{service}/{storage}/{grain type}/{grain key}/{state name}</c>. So
/// all states of a storage, of a type or of a grain are a prefix. In each part '%', '/', control characters and bytes
/// that are not UTF-8 are '%' and two hexadecimal digits; different grains have different keys.
/// </summary>
internal static class GrainStateKey
{
    public const string Prefix = "grain-state/";

    /// <exception cref="DmtException">TooLarge, naming the grain.</exception>
    public static byte[] Of(string service, string storage, GrainId grain, string state)
    {
        var key = new StringBuilder(Prefix);
        Append(key, Encoding.UTF8.GetBytes(service)).Append('/');
        Append(key, Encoding.UTF8.GetBytes(storage)).Append('/');
        Append(key, grain.Type.AsSpan()).Append('/');
        Append(key, grain.Key.AsSpan()).Append('/');
        Append(key, Encoding.UTF8.GetBytes(state));
        var bytes = Encoding.UTF8.GetBytes(key.ToString());
        return bytes.Length <= Key.BytesMax
            ? bytes
            : throw DmtException.TooLarge(
                $"state \"{state}\" of grain {grain} would have a key of {bytes.Length} bytes ({Prefix}service/storage/"
                + $"type/key/state): at most {Key.BytesMax} are allowed");
    }

    private static StringBuilder Append(StringBuilder to, ReadOnlySpan<byte> part)
    {
        while (!part.IsEmpty)
        {
            var isText = Rune.DecodeFromUtf8(part, out var rune, out var length) == System.Buffers.OperationStatus.Done;
            if (isText && !Rune.IsControl(rune) && rune.Value is not ('%' or '/'))
            {
                to.Append(rune.ToString());
            }
            else
            {
                foreach (var b in part[..length])
                {
                    to.Append('%').Append(Convert.ToHexString([b]));
                }
            }

            part = part[length..];
        }

        return to;
    }
}
