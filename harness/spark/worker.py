"""Spark's Python daemon with a guard: workers see what the test process sees on its path, but never run a notebook.

The engine copies this file to a folder of its own and names it in ``spark.python.daemon.module``, so it stands
alone: it imports nothing of the harness until it has something to refuse.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

VARIABLE = "NBH_SPARK_WORKER"
"""The variable that names the file with {"path": […], "roots": […], …} where Spark runs in the test process."""

CLIENTS = "NBH_SPARK_CLIENTS"
"""The variable that names the folder where an engine, which serves many test processes, keeps the same for each session."""

_SESSION = "SPARK_JOB_ARTIFACT_UUID"
"""The variable in which Spark tells a daemon, of which each session has its own, whose it is."""

_HEADER = b"# Databricks notebook source"


class NotebookGuard:
    """A finder that stands first, asks the others, and refuses what they find if it is a notebook below the roots.

    Packages that are ``hidden`` aren't found at all: they are on this machine, and not on the one that it stands for. Names
    that are ``doubtful`` mean one module to a notebook of the test and another to the test: here it may be either that asks.
    """

    def __init__(self, roots: Sequence[str], hidden: Sequence[str] = (), doubtful: Sequence[str] = ()) -> None:
        self._roots = [Path(root).resolve() for root in roots]
        self._hidden = frozenset(hidden)
        self.doubtful = frozenset(doubtful)

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Give what the other finders give, or refuse.

        Raises:
            ModuleNotFoundError: The module is hidden.
            WorkerImportError: The module is a notebook's file, or may be either of two.
        """
        if name.partition(".")[0] in self.doubtful:
            raise _which(name)
        if name.partition(".")[0] in self._hidden:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        for finder in sys.meta_path:
            if finder is self:
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                if spec.has_location and spec.origin and self._is_notebook(spec.origin):
                    raise _refusal(name, spec.origin)
                return spec
        return None

    def _is_notebook(self, origin: str) -> bool:
        path = Path(origin)
        # A package that someone exported from notebooks and installed is a library: the test process imports it too.
        if path.suffix != ".py" or "site-packages" in path.parts or "dist-packages" in path.parts:
            return False
        if not any(path.resolve().is_relative_to(root) for root in self._roots):
            return False
        with path.open("rb") as file:
            return file.readline().removeprefix(b"\xef\xbb\xbf").startswith(_HEADER)


def _refusal(name: str, origin: str) -> ImportError:
    from harness.errors import WorkerImportError

    return WorkerImportError(
        f'a Spark worker may not import the notebook "{name}"',
        cause=f"{Path(origin).name} is a Databricks notebook, and importing it in a worker would run its whole top level",
        mend="let the code that runs on Spark use only functions of notebooks and of test files, which travel by value;\n"
        "a plain module that imports a notebook can't be used there",
    )


def _which(name: str) -> ImportError:
    from harness.errors import WorkerImportError

    return WorkerImportError(
        f'a Spark worker can\'t tell which module "{name}" is meant',
        cause="a notebook has one in its own folder, and the tests' path, or another notebook, has another",
        mend="import it at the top of the notebook or test file and not inside of the function: then it goes along",
    )


def told(env: Mapping[str, str]) -> str:
    """What this daemon is to know, from where its Spark keeps it."""
    path = Path(env[VARIABLE]) if VARIABLE in env else Path(env[CLIENTS]) / f"{env.get(_SESSION, '')}.json"
    # A session that someone opened on the engine by hand tells nothing; its workers then see installed packages only.
    return path.read_text(encoding="utf-8") if path.is_file() else '{"path": [], "roots": []}'


def prepare(text: str) -> None:
    """Set this process's path and environment as the test process's, and put the guard before all other finders."""
    known = json.loads(text)
    _lead(known["path"])
    sys.meta_path.insert(0, NotebookGuard(known["roots"], known.get("hidden", ()), known.get("doubtful", ())))
    os.environ.update(known.get("env", {}))
    if hasattr(time, "tzset"):
        time.tzset()


def _lead(path: list[str]) -> None:
    sys.path[:] = [*path, *(entry for entry in sys.path if entry not in path)]


def following(run: Callable[..., int], text: str) -> Callable[..., int]:
    """What a worker does for a task, with the test process's path as it is then, for that may have added to it meanwhile.

    Databricks hands such folders to all executors, too: https://docs.databricks.com/files/workspace-modules.html. ``text`` is
    what the daemon was told.
    """
    of_daemon = json.loads(text)["path"]
    own = [entry for entry in sys.path if entry not in of_daemon]
    seen = [of_daemon]  # by this process, which is a fork for each worker

    def follow(sock: Any, *args: Any) -> int:
        waiting = select.poll()
        waiting.register(sock, select.POLLIN)
        waiting.poll()  # an idle worker waits here for its next task
        known = json.loads(told(os.environ))
        path, guard = known["path"], sys.meta_path[0]
        if isinstance(guard, NotebookGuard):
            guard.doubtful = frozenset(known.get("doubtful", ()))
        if path != seen[-1]:
            sys.path[:] = own
            _lead(path)
            importlib.invalidate_caches()
            seen.append(path)
        return run(sock, *args)

    return follow


def preload() -> None:
    """Import what nearly every worker needs, once in the daemon and not in each worker that it forks.

    Workers end with the test that used them, so the first function of each test would pay for it: five times what it costs so.
    The daemon runs no function of a test, so none of them sees anything of another.
    """
    try:
        for name in ("pandas", "pyarrow.pandas_compat", "pyspark.sql.functions", "pyspark.sql.pandas.serializers"):
            importlib.import_module(name)
        from harness.spark.star_import import complete

        complete(sys.modules["pyspark.sql.functions"])
    except Exception:  # noqa: BLE001 -- missing or broken in any way: the worker that needs it says so, in its test
        return


if __name__ == "__main__":
    # Spark's own, before the test process's path is taken: databricks-connect there has packages of the same names.
    import py4j  # type: ignore[import-untyped]  # noqa: F401 -- published without types; only to be found here first
    import pyspark  # noqa: F401 -- as above

    prepare(first := told(os.environ))
    preload()
    from pyspark import daemon

    daemon.worker = following(daemon.worker, first)
    daemon.manager()
