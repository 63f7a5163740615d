namespace Dmt.Core.Tests;

public sealed class DmtExceptionTests
{
    [Fact]
    public void Corruption_names_the_object_the_offset_and_the_cause()
    {
        var cause = new InvalidDataException();
        var error = DmtException.Corruption("tables/7", 4096, "checksum 1, expected 2", cause);

        Assert.Equal(DmtErrorKind.Corruption, error.Kind);
        Assert.Equal("tables/7 is damaged at offset 4096: checksum 1, expected 2", error.Message);
        Assert.Same(cause, error.InnerException);
    }

    [Fact]
    public void A_conflict_tells_the_version_that_is_there()
    {
        var error = DmtException.Conflict("the key \"k\" has version 7, not 6", 7);

        Assert.Equal(DmtErrorKind.Conflict, error.Kind);
        Assert.Equal(7u, error.CurrentVersion);
        Assert.Contains("\"k\"", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_maker_gives_its_kind_and_the_message_as_it_was_given()
    {
        var cause = new IOException();

        Assert.Equal((DmtErrorKind.InvalidArgument, "a"), Told(DmtException.InvalidArgument("a")));
        Assert.Equal((DmtErrorKind.TooLarge, "b"), Told(DmtException.TooLarge("b")));
        Assert.Equal((DmtErrorKind.Unavailable, "c"), Told(DmtException.Unavailable("c", cause)));
        Assert.Same(cause, DmtException.Unavailable("c", cause).InnerException);
        Assert.Equal((DmtErrorKind.Closed, "the store d is closed"), Told(DmtException.Closed("the store d")));
    }

    private static (DmtErrorKind Kind, string Message) Told(DmtException error) => (error.Kind, error.Message);
}
