from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest

from harness.errors import LostAnswerError, SecretNotFoundError
from harness.execute.line import answering, asking


@pytest.fixture
def place(tmp_path_factory):
    """A path that is short enough for a socket."""
    return str(tmp_path_factory.mktemp("s") / "host")


def test_a_question_is_answered(place):
    """Plain data in, plain data out; large too."""
    with answering(place, lambda what, **asked: [what, asked]):
        ask = asking(place)

        assert ask("run", path="ä\n", arguments={"x": "y" * 1_000_000}) == [
            "run",
            {"path": "ä\n", "arguments": {"x": "y" * 1_000_000}},
        ]


@pytest.mark.parametrize("kind", [SecretNotFoundError, LostAnswerError])
def test_an_error_of_ours_arrives_whole(place, kind):
    """With its class, cause and mend."""

    def answer(what):
        raise kind("a", cause="b\nc", mend="d")

    with answering(place, answer), pytest.raises(kind) as caught:
        asking(place)("secret")

    assert str(caught.value) == str(kind("a", cause="b\nc", mend="d"))


def test_any_other_error_is_told(place):
    """It is nobody's but ours; what asked must not wait for ever."""
    with answering(place, lambda what: 1 / 0), pytest.raises(LostAnswerError, match="ZeroDivisionError: division by zero"):
        asking(place)("secret")


def test_threads_ask_at_the_same_time(place):
    """One that waits for its answer keeps no other from getting one."""
    go = threading.Event()
    with answering(place, lambda what: go.wait(30) if what == "slow" else go.set()):
        found = []
        slow = threading.Thread(target=lambda: found.append(asking(place)("slow")))
        slow.start()
        asking(place)("fast")
        slow.join()

    assert found == [True]


def test_nobody_answers(place):
    """That is said."""
    with pytest.raises(LostAnswerError, match="doesn't answer"):
        asking(place)("secret")


def test_a_socket_whose_file_is_gone(place):
    """A notebook may remove it; what it asks then has no answer, and nothing waits for it."""
    with answering(place, lambda what: what):
        Path(place).unlink()
        with pytest.raises(LostAnswerError):
            asking(place)("secret")


def test_a_run_that_ends_before_its_answer(place):
    """Leaves no thread that fails, and nothing that is waited for."""
    before = threading.enumerate()
    asked, go = threading.Event(), threading.Event()

    def answer(what):
        asked.set()
        go.wait(30)
        return "x" * 1_000_000

    with answering(place, answer):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.connect(place)
            line.sendall(b'{"what": "secret"}\n')
            asked.wait(30)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as garbage:
            garbage.connect(place)
            garbage.sendall(b"no json\n")
            assert b"JSONDecodeError" in garbage.recv(1000)
    go.set()

    until = time.monotonic() + 10
    while (left := [one for one in threading.enumerate() if one not in before]) and time.monotonic() < until:
        time.sleep(0.01)
    assert left == []
