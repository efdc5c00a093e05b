from __future__ import annotations

from harness.runtime.display import Display


class Touchy:
    """A value that no use does well."""

    def __getattr__(self, name):
        raise AssertionError(name)


def test_what_was_shown_is_kept_as_it_is():
    """Nothing is asked of what is no DataFrame."""
    display, frame = Display(), Touchy()

    assert display(frame, streamName="clean") is None
    display(1, "two")

    assert display.shown == [frame, 1, "two"]
