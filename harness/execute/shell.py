"""``%sh`` and its like: a shell of this machine, where a run may use one; and ``%ls`` and ``%%writefile``."""

from __future__ import annotations

import glob
import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.execute.magics import UnsupportedError
from harness.runtime import fuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.execute.job import Job

_FAILS = re.compile(r"\s*-e(?:\s+|$)")
_PIP = re.compile(r"\s*(?:\S*python[\d.]*\s+-m\s+)?pip3?\s+(?P<rest>[^;&|`$<>\n]*)$")

_NO_FOLDER = re.compile(r"^(?!\s*#).*?(?<![\w./~-])(?P<path>/(?:dbfs|Volumes|Workspace)\b[^\s'\";|&)]*)", re.MULTILINE)
"""A path that a program would look for on this machine, where a folder of that name is another one or none."""

SCRIPTS = ("sh", "bash", "script", "perl", "ruby", "python2", "python3", "pypy")
"""IPython's magics that start another program; ``%%python`` is a cell of Python on Databricks."""


def install(shell: Any, job: Job, *, pip: Callable[[str], None]) -> None:
    """Register ``%sh``, ``!`` and what else starts a program in the shell of a kernel; refused unless the run may."""
    may_run = "shell" in job.allow
    manager = shell.magics_manager
    system, getoutput = shell.system, shell.getoutput

    def sh(line: str, cell: str = "") -> None:
        if not may_run:
            raise UnsupportedError(_needs("%sh"))
        text = "\n".join(filter(None, (line, cell)))
        _check_files(text)
        run_shell(text, folder=job.folder)

    def refuse(name: str) -> Callable[..., None]:
        def magic(line: str, cell: str = "") -> None:  # noqa: ARG001 -- IPython's own signature
            raise UnsupportedError(_needs(f"%%{name}"))

        return magic

    def run(line: str) -> Any:
        found = _PIP.match(line)
        if found is not None:
            return pip(found["rest"])
        if not may_run:
            raise UnsupportedError(f"{_needs('!')}: {line[:60]}")
        _check_files(line)
        return system(line)

    def output(line: str, **options: Any) -> Any:
        if not may_run:
            raise UnsupportedError(f"{_needs('!')}: {line[:60]}")
        _check_files(line)
        return getoutput(line, **options)

    if not may_run:
        for name in SCRIPTS:
            manager.register_function(refuse(name), "line_cell", name)
    manager.register_function(sh, "line", "sh")
    manager.register_function(sh, "cell", "nbh_sh")
    shell.system, shell.getoutput = run, output
    manager.register_function(list_files, "line", "ls")
    for name in ("writefile", "file"):
        manager.register_function(partial(write_file, shell, job.work), "cell", name)


def watch_programs() -> None:
    """Have the same said of programs that the notebook starts by itself, for as long as this process lives."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen":
            words = arguments[1] if isinstance(arguments[1], list | tuple) else [arguments[1]]
        elif event == "os.system":
            words = [arguments[0]]
        else:
            return
        for word in words:
            if isinstance(word, str | bytes | os.PathLike):
                _check_files(os.fsdecode(word))

    sys.addaudithook(hook)


def _needs(name: str) -> str:
    return f'{name} runs a shell, which takes --nbh-allow shell (nbh run: --allow shell), or run_notebook(…, allow=["shell"])'


def _check_files(text: str) -> None:
    """See that no file is looked for that Python finds and a program doesn't; a failing ``%sh`` would be passed over."""
    for found in _NO_FOLDER.finditer(text):
        if _is_elsewhere(found["path"]):
            raise UnsupportedError(
                f"a program has no {found['path']} here: its files are there for dbutils.fs, Spark and Python's own functions; "
                "use these, or leave the cell out by skip_cells"
            )


def _is_elsewhere(path: str) -> bool:
    """Whether it is no file of this machine's; a Mac has its disks in /Volumes."""
    try:
        return fuse.find(path) != path
    except OSError:
        return True


def run_shell(text: str, *, folder: str) -> None:
    """Run a ``%sh`` cell in the current folder; as on Databricks only ``%sh -e`` fails where the shell does.

    Raises:
        CalledProcessError: The shell of a ``%sh -e`` failed.
    """
    asked = _FAILS.match(text)
    script = os.path.join(folder, "sh")
    with open(script, "w", encoding="utf-8") as file:
        file.write(text[asked.end() :] if asked is not None else text)
    command = [shutil.which("bash") or "sh", *(["-e"] if asked is not None else []), script]
    process = subprocess.Popen(  # noqa: S603 -- to run what the notebook says is what it's for
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )

    def show() -> None:
        assert process.stdout is not None  # noqa: S101 -- it is a pipe
        with process.stdout:
            sys.stdout.writelines(process.stdout)

    shown = threading.Thread(target=show, name="nbh-sh", daemon=True)
    shown.start()
    process.wait()
    shown.join(1)  # what it left running in the background may hold its output open as long as the run lasts
    if process.returncode and asked is not None:
        raise subprocess.CalledProcessError(process.returncode, "%sh -e")
    if process.returncode:
        sys.stderr.write(f"the shell ended with {process.returncode}; as on Databricks the notebook goes on (%sh -e ends it)\n")


def list_files(line: str) -> None:
    """List files, without a shell."""
    words = shlex.split(line)
    found = [name for word in words if not word.startswith("-") for name in sorted(glob.glob(word)) or [word]]
    command = ["ls", *[word for word in words if word.startswith("-")], "--", *found]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- words, no shell
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)


def write_file(shell: Any, work: str, line: str, cell: str) -> None:
    """Write the cell to a file, as IPython does."""
    from IPython.core.magics import OSMagics

    path = next((word for word in reversed(shlex.split(line)) if not word.startswith("-")), "")
    if path.endswith(".py") and os.path.exists(path) and work not in sys.path[:1]:
        sys.path.insert(0, work)  # from now on this is the module, and not the one beside the notebook
    OSMagics(shell).writefile(line, cell)
    importlib.invalidate_caches()
