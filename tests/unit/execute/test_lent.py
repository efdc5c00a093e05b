"""One warm parent of kernels for all workers of a run: who is lent a fork of it, and who ends when."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

import pytest

psutil = pytest.importorskip("psutil", reason="processes are looked at with psutil (the extra `local`)")
pytest.importorskip("nbclient", reason="kernels need Jupyter's packages (the extra `local`)")

from harness.execute.warm import Parent  # noqa: E402 -- it needs both


@pytest.fixture
def shared():
    """Where the workers find each other; its name is short for the sake of the socket."""
    with tempfile.TemporaryDirectory(prefix="t") as folder:
        yield Path(folder) / "run"


@pytest.fixture
def worker(shared):
    """Make what a worker has."""
    made = []

    def make(**settings):
        made.append(Parent(shared=str(shared), **settings))
        return made[-1]

    yield make
    for parent in made:
        parent.stop()


def answers(parent):
    """Whether it still does what it is asked: to end a kernel that isn't there."""
    return parent._ask({"end": 2**22 + 1}) == {"status": None}


def test_the_second_is_a_fork_of_the_first(worker):
    """And so has what that one imported."""
    one, two = worker(), worker()
    one.start()
    two.start()

    assert two.folder() != one.folder()
    assert psutil.Process(two.pid).ppid() == one.pid
    assert answers(one)
    assert answers(two)


def test_the_second_outlives_the_first(worker, shared):
    """The first worker may have no more tests, or have been killed; what is its own goes with it."""
    one, two = worker(), worker()
    folders = [Path(one.folder()), Path(two.folder())]

    one.stop()

    assert [folder.exists() for folder in folders] == [False, True]
    assert not shared.exists()
    assert answers(two)
    two.stop()
    assert not folders[1].exists()


def test_one_that_ends_leaves_the_first(worker):
    """And is no zombie that would be waited for."""
    one, two = worker(), worker()
    one.ready()
    two.ready()

    two.stop()

    assert answers(one)


def test_a_kernels_end_spares_what_was_lent(worker):
    """All else that is below a parent ends then: a notebook may have hidden it."""
    one, two = worker(), worker()
    one.ready()
    two.ready()

    assert answers(one)
    assert answers(two)


def test_the_first_is_killed_before_it_answered(worker, tmp_path):
    """Then the second starts one of its own, which knows whose files it answers for."""
    files = tmp_path / "files"
    files.mkdir()
    one, two = worker(), worker(files=str(files))
    one.start().kill()

    assert answers(two)
    assert psutil.Process(two.pid).ppid() == os.getpid()
    own = two.ready()
    two._close()  # as in one that is killed
    own.wait(10)
    assert not files.exists()


def test_the_first_ends_between_the_door_and_the_question(worker, monkeypatch):
    """The second got through to it, and is heard by nobody: it does without."""
    one, two = worker(), worker()
    first = one.start()
    send = socket.send_fds

    def too_late(*question):
        first.kill()
        first.wait()
        return send(*question)

    monkeypatch.setattr(socket, "send_fds", too_late)

    assert answers(two)
    assert psutil.Process(two.pid).ppid() == os.getpid()


def test_nobody_listens(worker, shared):
    """The first was killed between two steps; the second waits for a moment, and does without."""
    shared.mkdir()
    two = worker()

    two.ready()

    assert psutil.Process(two.pid).ppid() == os.getpid()


def test_a_folder_that_is_too_long_for_a_socket(tmp_path):
    """Each has one of its own."""
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    one, two = (Parent(shared=str(deep / "run")) for _ in range(2))

    try:
        one.ready()
        two.ready()
        assert {psutil.Process(parent.pid).ppid() for parent in (one, two)} == {os.getpid()}
    finally:
        one.stop()
        two.stop()


def test_what_is_no_question(worker, shared):
    """Another program of this user's connects: it is left alone, and who asks after it is answered."""
    one, two = worker(), worker()
    one.ready()
    with socket.socket(socket.AF_UNIX) as other:
        other.connect(str(shared / "s"))
        other.send(b"hello")

    two.ready()

    assert psutil.Process(two.pid).ppid() == one.pid


def test_one_that_was_let_go_ends_by_itself(worker):
    """Nobody waits for it. Who asks for another run gets a new one, whose folder doesn't go with the old one's."""
    one = worker()
    before = Path(one.folder())
    process = psutil.Process(one.pid)
    one.let_go()

    assert Path(one.folder()) != before
    process.wait(20)
    assert not before.exists()
    assert Path(one.folder()).exists()
    assert answers(one)
