"""What is left of the stack that the engine sends with an error."""

from __future__ import annotations

import types

from harness.spark.frames import shorten

STACK = "org.apache.spark.SparkException\n\tat a.b(c.scala:1)\nCaused by: x.Y: [CAST_INVALID_INPUT] no number\n\tat d.e(f:2)"


def error(message, stack=STACK):
    """An error as Spark's client raises it."""
    return types.SimpleNamespace(_message=message, _stacktrace=stack, _display_stacktrace=True)


def test_the_cause_is_left_however_often_it_is_shown():
    """A kernel shows an error, and then tells how the run ended."""
    told = error("[TASK_WRITE_FAILED] Task failed while writing rows")
    for _ in range(3):
        shorten(told)
        assert (told._stacktrace, told._display_stacktrace) == ("Caused by: x.Y: [CAST_INVALID_INPUT] no number", True)


def test_a_cause_that_the_message_tells_isnt_told_again():
    """Nor is a stack without a cause."""
    for told in (error("[CAST_INVALID_INPUT] no number"), error("it is gone", "x.Y\n\tat a.b(c.scala:1)")):
        shorten(told)
        shorten(told)
        assert not told._display_stacktrace
