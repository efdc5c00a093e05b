from __future__ import annotations

import threading
import time
from functools import partial

import pytest

from harness.errors import ChildRunError, DbutilsCallError, LostAnswerError, NotANotebookError, SecretNotFoundError
from harness.execute.host import DEEPEST, MOST_AT_ONCE, Host, Place
from harness.model import Location, NotebookRun
from harness.runtime.surroundings import Surroundings
from harness.settings import Settings


@pytest.fixture
def folder(tmp_path):
    """Two notebooks in a project."""
    (tmp_path / "nbs").mkdir()
    for name in ("parent.py", "child.py"):
        (tmp_path / "nbs" / name).write_text("# Databricks notebook source\n")
    return tmp_path


@pytest.fixture
def host(folder):
    """What answers the parent; ``ended`` is how its children end."""

    def make(ended=None, *, above=(), number=1, **more):
        asked = []

        def run(path, **given):
            asked.append((path, given))
            return ended or NotebookRun(path="child.py", ended="exited", exit_value="done")

        place = Place(str(folder / "nbs" / "parent.py"), "parent", number, above)
        settings = Settings(str(folder), run_prefixes={"/Shared": "nbs"})
        made = Host(Surroundings(), place=lambda: place, settings=lambda: settings, run=run, root=str(folder), **more)
        return made, asked

    return make


@pytest.mark.parametrize("path", ["./child", "child", "child.py", "../nbs/child", "/Shared/child"])
def test_where_a_child_is_looked_for(host, folder, path):
    """Beside the notebook, and through the settings' prefixes, as for ``%run``."""
    made, asked = host()

    assert made.answer("run", path=path, timeout_s=0, arguments={"a": "b"}) == "done"
    [(found, given)] = asked
    assert found == str(folder / "nbs" / "child.py")
    assert (given["widgets"], given["timeout_s"], given["above"]) == ({"a": "b"}, None, (str(folder / "nbs" / "parent.py"),))
    assert [run.ended for run in made.children] == ["exited"]


def test_a_child_that_does_not_exit(host):
    """It has no value."""
    made, _ = host(NotebookRun(path="child.py", ended="passed"))

    assert made.answer("run", path="child", timeout_s=9, arguments={}) is None


@pytest.mark.parametrize(
    ("ended", "kind", "told"),
    [
        ("failed", ChildRunError, "NotebookExecutionException: FAILED: Workload failed, see run output for details"),
        ("timed_out", ChildRunError, "NotebookExecutionException: TIMEDOUT"),
        ("cancelled", ChildRunError, "NotebookExecutionException: CANCELED"),
        ("unsupported", DbutilsCallError, "holds what can't run here"),
        ("infrastructure_failed", LostAnswerError, "the notebook child.py was lost"),
    ],
)
def test_a_red_child(host, ended, kind, told):
    """What its parent sees, with the child's own place and error."""
    run = NotebookRun(path="child.py", ended=ended, error="KeyError: 'x'", location=Location("child.py", 7, 2, 1))
    made, _ = host(run)

    with pytest.raises(kind) as caught:
        made.answer("run", path="child", timeout_s=0, arguments={})

    assert told in str(caught.value)
    assert "child.py:7 (cell 2, line 1): KeyError: 'x'" in str(caught.value)


def test_the_reason_stands_at_the_end_of_the_line(host):
    """Of a child that failed by its own child, that one's error is told."""
    inner = NotebookRun(path="inner.py", ended="failed", error="KeyError: 'x'", location=Location("inner.py", 3))
    made, _ = host(
        NotebookRun(path="child.py", ended="failed", error="harness.errors.ChildRunError: NBH356", children=(inner,))
    )

    with pytest.raises(ChildRunError) as caught:
        made.answer("run", path="child", timeout_s=0, arguments={})

    assert "inner.py:3: KeyError: 'x'" in caught.value.cause


def test_a_child_that_is_not_there(host):
    """The full text."""
    made, asked = host()

    with pytest.raises(ChildRunError) as caught:
        made.answer("run", path="./nope", timeout_s=0, arguments={})

    assert str(caught.value) == (
        'NBH356 the notebook "./nope" isn\'t there\n'
        "  cause: com.databricks.WorkflowException: com.databricks.NotebookExecutionException: FAILED: "
        'Unable to access the notebook "./nope". Either it does not exist, or it can\'t be read.\n'
        "         no notebook of that name lies beside parent.py\n"
        "  mend:  correct the path, or add the notebook to the repository\n"
        "  more:  docs/errors.md#nbh356"
    )
    assert asked == []


def test_a_child_of_a_workspace_path_that_is_not_mapped(host):
    """The entry that would find it is told, and where an entry has led."""
    made, _ = host()

    with pytest.raises(ChildRunError, match=r'run_prefixes = \{ "/Repos/me/shop" = "\." \}'):
        made.answer("run", path="/Repos/me/shop/nbs/child", timeout_s=0, arguments={})
    with pytest.raises(ChildRunError, match="run_prefixes makes nbs/nope of it"):
        made.answer("run", path="/Shared/nope", timeout_s=0, arguments={})


def test_a_child_that_a_workspace_does_not_have(host):
    """Its settings are the rehearsal's: no mend of the user's."""
    made, _ = host()
    made.around.is_workspaces = True

    with pytest.raises(ChildRunError, match=r"the workspace has no such notebook(.|\n)*mend:  deploy it") as caught:
        made.answer("run", path="/Shared/nope", timeout_s=0, arguments={})
    assert "run_prefixes" not in str(caught.value)


def test_a_child_that_is_no_notebook(host):
    """Is the parent's error, as one that isn't there."""
    made, _ = host()

    def run(path, **given):
        raise NotANotebookError("the file is not a Databricks notebook")

    made._run = run
    with pytest.raises(ChildRunError, match=r"can't be run(.|\n)*NBH101"):
        made.answer("run", path="child", timeout_s=0, arguments={})


def test_a_circle_is_ended(host):
    """Each notebook in it has a process."""
    made, asked = host(above=tuple(f"{number}.py" for number in range(DEEPEST - 1)))

    with pytest.raises(ChildRunError, match=f"{DEEPEST} notebooks run each other(.|\n)*14.py -> parent.py -> child.py"):
        made.answer("run", path="child", timeout_s=0, arguments={})
    assert asked == []


@pytest.mark.parametrize(("own", "left", "limit"), [(0, None, None), (9, None, 9), (0, 100, 100), (9, 100, 9), (900, 100, 100)])
def test_a_child_has_no_more_time_than_its_parent(host, own, left, limit):
    """Whatever it is given."""
    made, asked = host(deadline=None if left is None else time.monotonic() + left)

    made.answer("run", path="child", timeout_s=own, arguments={})

    given = asked[0][1]["timeout_s"]
    assert given == limit or limit - 1 < given <= limit


def test_no_more_children_at_once_than_the_machine_can_bear(host):
    """Others wait for their turn, and have it."""
    made, _ = host()
    running, most, full = [], [], threading.Event()

    def run(path, **given):
        running.append(1)
        most.append(len(running))
        if len(running) == MOST_AT_ONCE:
            full.set()
        full.wait(30)
        running.pop()
        return NotebookRun(path="child.py", ended="passed")

    made._run = run
    ask = partial(made.answer, "run", path="child", timeout_s=0, arguments={})
    threads = [threading.Thread(target=ask) for _ in range(3 * MOST_AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert max(most) == MOST_AT_ONCE
    assert len(made.children) == 3 * MOST_AT_ONCE


def test_children_end_with_their_parent(host):
    """They are told to, and waited for."""
    made, _ = host()
    begun, ended = threading.Event(), []

    def run(path, *, stop, **given):
        begun.set()
        ended.append(stop.wait(30))
        return NotebookRun(path="child.py", ended="cancelled")

    made._run = run
    ask = partial(made.answer, "run", path="child", timeout_s=0, arguments={})

    def call():
        with pytest.raises(ChildRunError, match="CANCELED"):
            ask()

    thread = threading.Thread(target=call)
    thread.start()
    begun.wait(30)

    made.close()

    assert ended == [True]
    thread.join()


def test_a_secret_is_hidden_from_then_on(host, monkeypatch):
    """One that was never read is no secret of this test's."""
    monkeypatch.setenv("NBH_SECRET_APP_TOKEN", "hunter2")
    made, _ = host()
    assert made.around.redactor.text("hunter2") == "hunter2"

    assert made.answer("secret", scope="app", key="token") == "hunter2"

    assert made.around.redactor.text("hunter2") == "[REDACTED]"
    with pytest.raises(SecretNotFoundError):
        made.answer("secret", scope="app", key="other")


@pytest.mark.parametrize(
    ("what", "asked"),
    [("task_set", {"key": "a", "value": "1"}), ("task_get", {"task": "a", "key": "b", "has_default": True, "has_debug": True})],
)
def test_a_child_is_no_task(host, what, asked):
    """What Databricks does there isn't known, so it isn't guessed."""
    made, _ = host(above=("grandparent.py",))

    with pytest.raises(DbutilsCallError, match="in a notebook that another one runs"):
        made.answer(what, **asked)
