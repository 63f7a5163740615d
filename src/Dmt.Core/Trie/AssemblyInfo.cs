using System.Runtime.CompilerServices;

// Tests poison freed memory and count what waits to be freed.
[assembly: InternalsVisibleTo("Dmt.Core.Tests")]
