using Dmt.Core;

namespace Dmt.Hosting;

/// <summary>What the program's exit codes mean; the same for every command, and told by <c>--help</c>.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;

    /// <summary>A negative answer: no such key, nothing found, a condition that did not hold.</summary>
    public const int Negative = 1;

    /// <summary>Bad usage or bad input; nothing was changed by what was refused.</summary>
    public const int BadInput = 2;

    /// <summary>The store or the server is out of reach, in use, full or closing.</summary>
    public const int Unavailable = 3;

    /// <summary>Stored bytes are damaged.</summary>
    public const int Corruption = 4;

    /// <summary>A defect of the program itself (EX_SOFTWARE of sysexits.h).</summary>
    public const int Defect = 70;

    /// <summary>Stopped by Ctrl-C or SIGTERM (128 + SIGINT, as shells have it).</summary>
    public const int Interrupted = 130;

    public static int For(DmtErrorKind kind) => kind switch
    {
        DmtErrorKind.InvalidArgument or DmtErrorKind.TooLarge => BadInput,
        DmtErrorKind.Conflict => Negative,
        DmtErrorKind.Corruption => Corruption,
        _ => Unavailable,
    };
}
