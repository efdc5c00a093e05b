"""The clock of a workspace, by itself."""

from __future__ import annotations

import threading

import pytest

from harness.rehearsal.clock import Clock


class Real:
    """A time that the test sets."""

    now = 100.0

    def __call__(self):
        """Tell it."""
        return self.now


def test_it_goes_with_the_real_time():
    """Until somebody drives it, a second is a second."""
    real = Real()
    clock = Clock(real, begin=1000.0)

    real.now += 2.5

    assert clock.now() == 1002.5
    assert clock.now_ms() == 1002500


@pytest.mark.parametrize(("speed", "after"), [(0.0, 1001.0), (60.0, 1601.0)])
def test_it_can_stand_or_run(speed, after):
    """What has passed before a change of speed stays passed."""
    real = Real()
    clock = Clock(real, begin=1000.0)
    real.now += 1

    clock.set_speed(speed)
    real.now += 10

    assert clock.now() == after


def test_a_wait_ends_when_it_is_put_forward():
    """Who waits an hour waits no time at all when the clock is put forward by an hour."""
    clock = Clock()
    ended = threading.Event()
    thread = threading.Thread(target=lambda: (clock.wait(3600), ended.set()), daemon=True)

    thread.start()
    assert not ended.wait(0.1)
    clock.advance(3600)

    assert ended.wait(5)


def test_a_wait_ends_when_what_it_waits_for_holds():
    """Also on a clock that stands; and the wait says whether it was that."""
    clock = Clock()
    clock.set_speed(0)
    holds = threading.Event()
    threading.Timer(0.1, holds.set).start()

    assert clock.wait(3600, until=holds.is_set)
    clock.advance(1)
    assert not clock.wait(0)
