"""What a notebook can do to its process: each ends with an outcome of its own, in time, and the next run is untouched."""

from __future__ import annotations

import textwrap
import threading

import psutil
import pytest
from whole_notebooks import below

from harness.execute import client
from harness.execute.client import Course

HEADER = "# Databricks notebook source\n"
CELL = "\n\n# COMMAND ----------\n\n"

MB = 1 << 20


@pytest.fixture
def notebook(tmp_path):
    """Write a notebook of these cells; gives its path."""

    def write(*cells, name="n.py"):
        path = tmp_path / name
        path.write_text(HEADER + CELL.join(textwrap.dedent(cell).strip("\n") for cell in cells) + "\n")
        return path

    return write


@pytest.fixture(autouse=True)
def next_is_untouched(run_notebook, notebook, _kernels):
    """After each test nothing runs that a notebook started, and another notebook runs as ever."""
    yield
    assert below(_kernels) == []
    run = run_notebook(notebook("import json, sys\nprint(len(json.dumps([1])))", name="next.py"))
    assert (run.outcome, run.cells[0].text) == ("passed", "3\n"), run.error


ENDS = {
    "recursion": ("def f():\n    return f()\nf()", "failed", "RecursionError: maximum recursion depth exceeded", 2),
    "segmentation fault": ("import ctypes\nctypes.string_at(0)", "infrastructure_failed", "killed by SIGSEGV", 2),
    "exit code": ("import os\nos._exit(0)", "infrastructure_failed", "its process ended, with exit code 0", 0),
    "exit()": ("exit()", "failed", "SystemExit", 1),
    "quit()": ("quit()", "failed", "SystemExit", 1),
    "shutdown": ("get_ipython().kernel.do_shutdown(False)", "unsupported", "can't shut its own kernel down", 1),
    "stopped": ("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", "timed_out", "still at it", 0),
    "own loop": ("import asyncio\nasyncio.run(asyncio.sleep(0))", "failed", "cannot be called from a running event loop", 2),
    "input": ("x = input()", "failed", "does not support input requests", 1),
    "stdout closed": ("import sys\nsys.stdout.close()\nprint(1)", "failed", "I/O operation on closed file", 3),
    "descriptors closed": ("import os\nos.closerange(3, 100)", "infrastructure_failed", "its process ended", 0),
    "modules gone": ("import sys\nsys.modules['json'] = None\nimport json", "failed", "import of json halted", 3),
    "all modules gone": ("import sys\nsys.modules.clear()", "failed", "the notebook has emptied sys.modules", 0),
    "stdout gone": ("import sys\nsys.stdout = sys.stderr = None\n1 / 0", "failed", "ZeroDivisionError", 3),
    "stdout is no file": ("import sys\nsys.stdout = sys.stderr = 5\n1 / 0", "failed", "ZeroDivisionError", 3),
    "no folder": ("import os, shutil\nshutil.rmtree(os.getcwd())\nos.getcwd()", "failed", "FileNotFoundError", 3),
    "folder of the run gone": (
        "import os, shutil\nshutil.rmtree(os.path.dirname(os.getcwd()))\n1 / 0",
        "failed",
        "ZeroDivision",
        0,
    ),
    "exec replaced": ("import builtins\nbuiltins.exec = lambda *_: None\n1 / 0", "failed", "ZeroDivisionError", 3),
    "no message": ("get_ipython().kernel.iopub_socket.send(b'x')", "infrastructure_failed", "what it sent can't be read", 0),
    "half a message": (
        "k = get_ipython().kernel\nk.session.send(k.iopub_socket, 'status', {'x': 1}, parent=k.get_parent())",
        "infrastructure_failed",
        "what it sent can't be read",
        0,
    ),
    "error without a text": (
        "class E(Exception):\n    def __str__(self):\n        raise RuntimeError\nraise E",
        "failed",
        "RuntimeError",
        3,
    ),
    "half a character": ("raise ValueError('\\ud800')", "failed", "ValueError: ?", 1),
    "interrupt": ("raise KeyboardInterrupt", "failed", "KeyboardInterrupt", 1),
    "cancelled": ("import asyncio\nraise asyncio.CancelledError", "failed", "CancelledError", 2),
    "parent killed": ("import os, time\nos.kill(os.getppid(), 9)\ntime.sleep(50)", "infrastructure_failed", "was lost", 0),
    "forked child exits": (
        "import os, time\nif os.fork() == 0:\n    dbutils.notebook.exit('x')\ntime.sleep(1)\n1 / 0",
        "failed",
        "Zero",
        5,
    ),
}


@pytest.mark.parametrize("name", ENDS)
def test_each_end_is_told_apart(run_notebook, notebook, name):
    """With what happened, in its cell, and at its line where Python could still tell."""
    cell, outcome, error, line = ENDS[name]

    run = run_notebook(notebook("x = 1", cell, "print('on')"), timeout_s=4 if outcome == "timed_out" else 60)

    assert (run.outcome, run.passed) == (outcome, False), run.error
    assert error in run.error
    assert run.location.cell == 2
    assert run.location.cell_line == (line or None)
    assert [found.outcome for found in run.cells if found.number != 2] == ["passed", "not_run"]


PASSES = {
    "print replaced": ("import builtins\nbuiltins.print = lambda *_: None", "print('x')", ""),
    "len replaced": ("import builtins\nbuiltins.len = lambda _: 0", "print(len('abc'))", "0\n"),
    "everything replaced": (
        "import builtins\nbuiltins.isinstance = builtins.open = builtins.type = None",
        "assert isinstance is type is None",
        "",
    ),
    "replaced under a magic": ("%%time\nimport builtins\nbuiltins.len = lambda _: 0\n%time x = 1", "print(len('abc'))", "0\n"),
    "builtin deleted": ("import builtins\ndel builtins.sum", "try:\n    sum\nexcept NameError:\n    print('gone')", "gone\n"),
    "builtin added": ("import builtins\nbuiltins.settings = 4", "print(settings)", "4\n"),
    "signals ignored": (
        "import os, signal\nfor n in 1, 2, 15:\n    signal.signal(n, signal.SIG_IGN)\nos.kill(os.getpid(), 15)",
        "",
        "",
    ),
    "descriptors of the output closed": ("import os\nos.close(1)\nos.close(2)", "print(1)", "1\n"),
    "forked": ("import os\nmain = os.getpid()\nchild = os.fork()", "if child:\n    print(os.getpid() == main)", "True\n"),
    "thread": ("import threading, time\nthreading.Thread(target=time.sleep, args=(99,)).start()", "print(1)", "1\n"),
    "printing to nothing": ("import sys\nsys.stdout = None\nprint(1)", "print(2)", ""),
    "modules of one package forgotten": (
        "import json, sys\nfor name in [name for name in sys.modules if name.startswith('json')]:\n    del sys.modules[name]",
        "import json\nprint(json.loads('3'))",
        "3\n",
    ),
    "no cells but text": ("# MAGIC %md\n# MAGIC A title", "# MAGIC %md", ""),
}


@pytest.mark.parametrize("name", PASSES)
def test_what_is_no_error_passes(run_notebook, notebook, name):
    """Later cells run, and see what earlier ones did."""
    first, second, text = PASSES[name]

    run = run_notebook(notebook(first, second), timeout_s=60)

    assert run.outcome == "passed", run.error
    assert run.cells[1].text == text


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("input('who? ')", "nobody is there to answer, nor in a job on Databricks: take it from a widget"),
        ("exit()", "a notebook that is done ends by dbutils.notebook.exit(…)"),
    ],
)
def test_what_only_somebody_who_types_can_use(run_notebook, notebook, cell, hint):
    """The error says what to do, and nothing of IPython's inside or advice is shown."""
    run = run_notebook(notebook(cell))

    assert run.outcome == "failed"
    assert hint in run.error
    [error] = [output for output in run.cells[0].outputs if output["output_type"] == "error"]
    assert "ipykernel" not in "".join(error["traceback"])
    assert "To exit: use" not in run.cells[0].text


def test_where_it_hangs(run_notebook, notebook):
    """The line is told, also of a loop that takes every exception, in a function of an earlier cell."""
    hangs = """
        import time

        def wait():
            while True:
                try:
                    time.sleep(60)
                except BaseException:
                    pass
        """

    run = run_notebook(notebook(hangs, "wait()"), timeout_s=4)

    assert run.outcome == "timed_out"
    assert (run.location.cell, run.location.cell_line) == (1, 6)
    assert [cell.outcome for cell in run.cells] == ["passed", "failed"]


def test_the_line_under_a_magic(run_notebook, notebook):
    """What stands under a cell magic fails at its own line."""
    for name in ("time", "capture"):
        run = run_notebook(notebook(f"%%{name}\nx = 1\nx / 0"))

        assert run.outcome == "failed"
        assert (run.location.line, run.location.cell_line) == (4, 3), name


LEFT = {
    "child": "subprocess.Popen(['sleep', '99'])",
    "session of its own": "subprocess.Popen(['sleep', '99'], start_new_session=True)",
    "daemon": """
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.closerange(0, 99)
                os.execvp('sleep', ['sleep', '99'])
            os._exit(0)
        os.wait()
        """,
    "children that make others": """
        start = 'import os, time\\nwhile True:\\n if os.fork() == 0:\\n  os.setsid()\\n  time.sleep(99)\\n time.sleep(0.01)'
        for _ in range(3):
            subprocess.Popen([sys.executable, '-c', start], start_new_session=True)
        """,
}


def test_a_loop_that_is_stopped(run_notebook, notebook):
    """The kernel ends a moment later; what it didn't come to is never passed."""
    run = run_notebook(notebook("import asyncio\nasyncio.get_event_loop().stop()", "import time\ntime.sleep(1)", "print('on')"))

    assert (run.outcome, run.error) == ("infrastructure_failed", "its process ended, with exit code 0")
    assert run.cells[2].outcome == "not_run" or (run.cells[2].outcome, run.cells[2].text) == ("failed", "")


def test_a_broken_shell(run_notebook, notebook):
    """The next cell fails with what is broken."""
    run = run_notebook(notebook("get_ipython().run_cell_async = None", "print('on')"), timeout_s=60)

    assert (run.outcome, run.error) == ("failed", "TypeError: None is not a callable object")
    assert run.location.cell == 2


def test_variables_are_those_of_the_test(run_notebook, notebook, monkeypatch):
    """As they are when it starts, and none of pytest's own."""
    for value in ("one", "two"):
        monkeypatch.setenv("OF_THE_TEST", value)
        run = run_notebook(notebook("import os\nprint(os.environ['OF_THE_TEST'], 'PYTEST_CURRENT_TEST' in os.environ)"))

        assert run.cells[0].text == f"{value} False\n"


@pytest.mark.parametrize("ends", ["pass", "1 / 0", "os._exit(1)", "os.kill(os.getpid(), 9)"])
def test_no_process_is_left(run_notebook, notebook, ends):
    """Whatever it started, and however it hid that; ``next_is_untouched`` looks."""
    start = "import os, subprocess, sys, time\n" + "".join(textwrap.dedent(text).strip("\n") + "\n" for text in LEFT.values())

    run = run_notebook(notebook(start, "time.sleep(1)\nprint(len(os.listdir('/proc')) > 3)", ends), timeout_s=60)

    assert run.cells[1].text == "True\n"
    assert run.outcome in ("passed", "failed", "infrastructure_failed")


def test_two_at_once_end_only_their_own(request, notebook):
    """One that ends takes its daemons along, and not the child of one that still runs."""
    slow = notebook(
        "import pathlib, subprocess, time\nchild = subprocess.Popen(['sleep', '99'], start_new_session=True)",
        f"while not pathlib.Path({str(notebook('x = 1').parent / 'ended')!r}).exists():\n    time.sleep(0.05)",
        "print(child.poll())",
        name="slow.py",
    )
    quick = notebook(LEFT["session of its own"].join(("import subprocess\n", "")), name="quick.py")
    runs, kernels = [], request.getfixturevalue("_kernels")
    thread = threading.Thread(target=lambda: runs.append(kernels.run(str(slow), session=lambda: None, timeout_s=60)))
    thread.start()

    assert kernels.run(str(quick), session=lambda: None).passed
    (quick.parent / "ended").touch()
    thread.join()

    assert runs[0].cells[2].text == "None\n", runs[0].error


def test_what_a_cell_showed_and_never_arrives_is_told(run_notebook, notebook, monkeypatch):
    """Nobody knows what it was: an output that is lost isn't one that was empty."""
    monkeypatch.setattr(client, "_ARRIVES_S", 1)

    run = run_notebook(notebook("print('seen')", "get_ipython().kernel.iopub_thread.stop()\nprint('lost')"), timeout_s=60)

    assert run.outcome == "infrastructure_failed"
    assert "what a cell showed hasn't arrived within 1 s" in run.error


FLOODS = {
    "a gigabyte of lines": "for _ in range(1000):\n    print('x' * 1_000_000)",
    "one line of 100 MB": "print('x' * 100_000_000)",
    "a million small prints": "for n in range(1_000_000):\n    print(n, 'and so on')",
    "many small outputs": "for n in range(12_000):\n    displayHTML('x')",
    "a huge page": "displayHTML('x' * 100_000_000)",
    "a huge value": "'x' * 100_000_000",
    "a child's output": "import subprocess\nsubprocess.run('yes | head -c 100000000', shell=True)\nNone",
    "written to its descriptor": "import os, sys\nfor _ in range(99):\n    os.write(sys.stdout.fileno(), b'x' * 999_999)",
}


@pytest.mark.parametrize("name", FLOODS)
def test_what_is_shown_is_kept_up_to_a_limit(run_notebook, notebook, name):
    """The run passes, says what it left out, and neither pytest nor the kernel has it all in memory."""
    before = psutil.Process().memory_info().rss

    run = run_notebook(
        notebook(FLOODS[name], "import resource\nprint(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"),
        timeout_s=100,
    )

    assert run.outcome == "passed", run.error
    assert "left out: of a cell's outputs the first 10 MB are kept" in run.cells[0].text
    assert len(run.cells[0].text) < 11 * MB
    assert len(run.cells[0].outputs) < 11_000
    assert psutil.Process().memory_info().rss - before < 200 * MB
    assert int(run.cells[1].text) < 800  # of which a string of 100 MB and its copies are the notebook's own


def test_all_cells_together_have_a_limit(run_notebook, notebook):
    """Four cells that show 9 MB each: the last one is cut, and says why."""
    run = run_notebook(notebook(*["print('x' * (9 << 20))"] * 4))

    assert run.passed
    assert [len(cell.text) > 9 * MB for cell in run.cells] == [True, True, True, False]
    assert "of a run's outputs the first 30 MB are kept" in run.cells[3].text


def test_no_output_is_lost_below_the_limit(run_notebook, notebook):
    """Thousands at once, more than a socket's queue holds."""
    run = run_notebook(
        notebook("from IPython.display import display\nfor n in range(4000):\n    display({'text/plain': str(n)}, raw=True)")
    )

    assert [output["data"]["text/plain"] for output in run.cells[0].outputs] == [str(n) for n in range(4000)]


def test_an_error_of_100_mb(run_notebook, notebook):
    """Its text is cut, and the run's outcome is what it is."""
    run = run_notebook(notebook("raise ValueError('x' * 100_000_000)"), timeout_s=60)

    assert (run.outcome, run.location.line) == ("failed", 2)
    assert run.error.startswith("ValueError: xxx")
    assert run.error.endswith("x… (100,000,012 characters)")
    assert len(str(run.executed)) < MB


def test_an_exit_value_of_100_mb(run_notebook, notebook):
    """The first 5 MB are kept, as on Databricks; they aren't the value, so the run isn't green, as it isn't on a workspace."""
    run = run_notebook(
        notebook("import json\ndbutils.notebook.exit(json.dumps(['ä' * 100_000_000], ensure_ascii=False))"), timeout_s=60
    )

    assert (run.outcome, run.location.line) == ("infrastructure_failed", 3)
    assert "NBH391" in run.error
    assert len(run.exit_value.encode()) in (5 * MB, 5 * MB - 1)


def test_an_exit_value_of_just_under_5_mb(run_notebook, notebook):
    """Is whole, and green."""
    run = run_notebook(notebook(f"dbutils.notebook.exit('ä' * {(5 * MB - 8) // 2})"), timeout_s=60)

    assert run.outcome == "exited"
    assert run.exit_value == "ä" * ((5 * MB - 8) // 2)


def test_a_notebook_that_eats_all_memory(run_notebook, notebook, tmp_path):
    """Its process is ended, with the setting that bounds it; recursion in native memory too."""
    (tmp_path / "pyproject.toml").write_text('[tool.nbh]\nnotebook_memory = "500m"\n')

    for eats in (
        "kept = []\nwhile True:\n    kept.append(bytearray(1 << 20))",
        "import sys\nsys.setrecursionlimit(10**9)\ndef f():\n    f()\nf()",
    ):
        run = run_notebook(notebook("x = 1", eats), timeout_s=60)

        assert run.outcome == "infrastructure_failed"
        assert "used up all the memory that it may have; notebook_memory under [tool.nbh]" in run.error
        assert run.location.cell == 2
        assert run.location.line is not None


def test_it_is_the_first_to_go_where_memory_runs_out(run_notebook, notebook):
    """On Linux the system ends it before pytest and Spark, and what it started too."""
    run = run_notebook(
        notebook("import subprocess\nprint(subprocess.check_output(['cat', '/proc/self/oom_score_adj'], text=True))")
    )

    assert run.cells[0].text.strip() == "1000"


def test_a_run_that_is_ended_before_it_begins(run_notebook, notebook, monkeypatch):
    """By a signal to `nbh run` that comes so early that there is no kernel yet: none of its cells is run."""

    def stopped(**more):
        course = Course(**more)
        course.stop()
        return course

    with monkeypatch.context() as patched:
        patched.setattr("harness.execute.run.Course", stopped)
        run = run_notebook(notebook("dbutils.notebook.exit('it went on')"))

    assert (run.outcome, run.exit_value) == ("cancelled", None)
