using System.Buffers;
using Dmt.Api.Errors;
using Dmt.Core;
using Microsoft.AspNetCore.Http;

namespace Dmt.Api.Requests;

/// <summary>Whole bodies, bounded. Memory grows with what has come, never with what a header announces.</summary>
internal static class RequestBody
{
    private const int FirstBytes = 64 << 10;

    /// <param name="context">The request.</param>
    /// <param name="bytesMax">Longest body that is taken.</param>
    /// <param name="what">What the body is called in the message.</param>
    /// <exception cref="DmtException">TooLarge.</exception>
    public static async ValueTask<PooledBytes> ReadAsync(HttpContext context, int bytesMax, string what)
    {
        var announced = context.Request.ContentLength;
        if (announced > bytesMax)
        {
            throw DmtException.TooLarge($"the {what} has {announced} bytes: at most {bytesMax} are allowed");
        }

        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(announced ?? 4096, FirstBytes));
        var length = 0;
        try
        {
            var reader = context.Request.BodyReader;
            while (true)
            {
                var result = await reader.ReadAsync(context.RequestAborted);
                var needed = length + result.Buffer.Length;
                if (needed > bytesMax)
                {
                    reader.AdvanceTo(result.Buffer.End);
                    throw DmtException.TooLarge(
                        $"the {what} has more than {bytesMax} bytes: at most {bytesMax} are allowed");
                }

                buffer = Grow(buffer, length, (int)needed);
                result.Buffer.CopyTo(buffer.AsSpan(length));
                length = (int)needed;
                reader.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                {
                    return new(buffer, length);
                }
            }
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    /// <summary>
    /// Refuses a body that is not declared as JSON: a web page of another origin cannot send one without being asked
    /// first.
    /// </summary>
    public static void RequireJson(HttpContext context)
    {
        if (!context.Request.HasJsonContentType())
        {
            throw new HttpProblemException(
                StatusCodes.Status415UnsupportedMediaType, "UnsupportedMediaType", "the body must be application/json");
        }
    }

    /// <summary>
    /// The array itself where it is long enough; otherwise a longer one with the same bytes, and the old one goes back.
    /// </summary>
    public static byte[] Grow(byte[] buffer, int used, int needed)
    {
        if (needed <= buffer.Length)
        {
            return buffer;
        }

        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Array.MaxLength, Math.Max(needed, buffer.Length * 2L)));
        buffer.AsSpan(0, used).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }
}
