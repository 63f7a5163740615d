using System.Text.Unicode;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Api;

/// <summary>
/// The border where keys, prefixes, bounds and values are checked, once. The spans are the request's own bytes: under
/// <see cref="KeyPolicy.Alphanumeric"/> they are lower-cased in place.
/// </summary>
internal sealed class KeyPolicies(ApiOptions options)
{
    private const int AlphanumericKeyBytesMax = 255;
    private const int AlphanumericValueBytesMax = 32 << 10;

    private readonly bool _alphanumeric = options.KeyPolicy == KeyPolicy.Alphanumeric;

    /// <summary>Longest key, in bytes.</summary>
    public int KeyBytesMax => _alphanumeric ? AlphanumericKeyBytesMax : Key.BytesMax;

    /// <summary>Longest value, in bytes.</summary>
    public int ValueBytesMax { get; } = options.KeyPolicy == KeyPolicy.Alphanumeric
        ? Math.Min(options.ValueBytesMax, AlphanumericValueBytesMax)
        : options.ValueBytesMax;

    /// <param name="key">As it came; lower-cased in place where the policy says so.</param>
    /// <param name="what">What it is called in the message: key, word.</param>
    /// <exception cref="DmtException">InvalidArgument.</exception>
    public void CheckKey(Span<byte> key, string what = "key")
    {
        CheckBinaryKey(key, what);
        CheckUtf8(key, what);
    }

    /// <summary>As <see cref="CheckKey"/>, for a key that came as base64 and may hold any bytes.</summary>
    public void CheckBinaryKey(Span<byte> key, string what = "key")
    {
        if (key.IsEmpty)
        {
            throw DmtException.InvalidArgument($"the {what} is empty: expected 1 to {KeyBytesMax} bytes");
        }

        CheckLengthAndLetters(key, what);
    }

    /// <summary>As <see cref="CheckKey"/>, for a prefix or a bound, which may be empty.</summary>
    public void CheckPrefix(Span<byte> prefix, string what)
    {
        CheckLengthAndLetters(prefix, what);
        CheckUtf8(prefix, what);
    }

    /// <exception cref="DmtException">TooLarge.</exception>
    public void CheckValueLength(long length)
    {
        if (length > ValueBytesMax)
        {
            throw DmtException.TooLarge($"the value has {length} bytes: at most {ValueBytesMax} are allowed");
        }
    }

    private static void CheckUtf8(ReadOnlySpan<byte> text, string what)
    {
        if (!Utf8.IsValid(text))
        {
            throw DmtException.InvalidArgument($"the {what} {Key.ToDisplay(text)} is not valid UTF-8");
        }
    }

    private void CheckLengthAndLetters(Span<byte> text, string what)
    {
        if (text.Length > KeyBytesMax)
        {
            throw DmtException.InvalidArgument(
                $"the {what} has {text.Length} bytes: at most {KeyBytesMax} are allowed");
        }

        if (!_alphanumeric)
        {
            return;
        }

        foreach (ref var b in text)
        {
            if (!char.IsAsciiLetterOrDigit((char)b))
            {
                throw DmtException.InvalidArgument(
                    $"the {what} \"{Key.ToDisplay(text)}\" holds more than letters and digits (key_policy is "
                    + "alphanumeric)");
            }

            b = (byte)char.ToLowerInvariant((char)b);
        }
    }
}
