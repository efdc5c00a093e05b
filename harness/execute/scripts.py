"""A Python script as a task of a job: how Databricks runs it, what it finds there, and what nobody knows of that.

https://docs.databricks.com/jobs and the Jobs API name the file and its parameters, and no more. The rest is what people saw of
tasks of theirs, most of it in comments beside what they did about it:

* The file is read as bytes, compiled under its own path and given to ``exec`` in a cell of an IPython kernel. So
  ``__name__`` is ``__main__``, ``__file__`` isn't there (https://github.com/databrickslabs/dbx/issues/680), ``sys.argv[0]``
  is the file's path, and an event loop is running.
* Any ``SystemExit`` fails the task, that of ``sys.exit(0)`` too: it leaves the cell as an error.
  (https://github.com/kedro-org/kedro/issues/1807 and https://github.com/dimajix/flowman/issues/353 say so of others.)
* It works in the file's folder, from runtime 14 on: https://docs.databricks.com/files/workspace-modules.html.

Where they say one thing and its opposite the task is told as unsupported where it comes to that: whether it finds ``spark``,
``dbutils`` and the like, whether modules beside it, and what ``dbutils.notebook`` does there.

What a ``python_wheel_task`` calls is run the same way, see `harness.jobs.entries`: in such a cell, with the package's name as
``sys.argv[0]`` (so Databricks' own tests of its command line have it: https://github.com/databricks/cli, python_wheel_test.go).
"""

from __future__ import annotations

import builtins
import os
import sys
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any, NoReturn

from harness.errors import WidgetNotDefinedError
from harness.execute.magics import UnsupportedError
from harness.execute.unsure import Builtins, Modules, Ready, how_to_get, why_unsure
from harness.execute.wheel_imports import refuse_what_a_sibling_hides, refuse_what_no_wheel_has
from harness.runtime.modules import NAMES
from harness.runtime.part import Part

if TYPE_CHECKING:
    from harness.execute.job import Job
    from harness.model import Notebook

CALL = "get_ipython().run_line_magic('nbh_script', '')"


class NoNotebook(Part):
    """Stands for ``dbutils.notebook`` in a script, or a wheel: there is no notebook."""

    _path = "dbutils.notebook"

    def __init__(self, what: str) -> None:
        self._what = what

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        raise UnsupportedError(
            f"dbutils.notebook.{name}: what it does in a {self._what}'s task isn't documented; make it a notebook_task"
        )


def no_restart(what: str) -> NoReturn:
    """What ``dbutils.library.restartPython`` does in a script, or a wheel.

    Raises:
        UnsupportedError: Always.
    """
    raise UnsupportedError(
        f"dbutils.library.restartPython: what it does in a {what}'s task isn't documented; name what it needs in the task's "
        "libraries or its environment"
    )


def leave_bare(names: dict[str, Any]) -> None:
    """Take a notebook's names out of a script's; its modules ``databricks.sdk.runtime`` and ``pyspark.dbutils`` have them."""
    for name in NAMES:
        names.pop(name, None)
    vars(builtins).pop("display", None)  # IPython's own, which isn't Databricks'


def run(script: Notebook, job: Job, names: dict[str, Any]) -> None:
    """Run a script, as Databricks does, or call what the entry point of a wheel names."""
    if job.entry is not None:
        sys.argv = [job.entry.package, *(job.arguments or ())]
        EntryPoint(job.entry.package, job.entry.value, "").load()()  # what it returns is passed over there, too
        return
    sys.argv = [job.path, *(job.arguments or ())]
    code = compile(script.raw, job.path, "exec", dont_inherit=True)
    ready = Ready(job.path, script.raw)
    refuse_what_a_sibling_hides(job.path)
    refuse_what_no_wheel_has(job.wheels, root=job.root, ready=ready)
    names["__builtins__"] = Builtins(ready)
    sys.meta_path.append(Modules(ready, lambda name: _why_no_module(f"No module named {name!r}", name, job)))
    exec(code, names)


def unclear(error: BaseException, job: Job, place: str) -> str:
    """Why nobody knows what this error would be on Databricks, "" where it is one there too; it was raised at ``place``."""
    if job.entry is not None:
        return ""  # its modules are imported, as any are
    if isinstance(error, NameError) and place == job.path and error.name in NAMES:
        return why_unsure(error, error.name)
    if isinstance(error, ModuleNotFoundError) and error.name:
        return _why_no_module(error, error.name, job)
    return ""


def hint_of(error: BaseException, job: Job) -> str:
    """What is to be said of an error that a notebook, or a script elsewhere, wouldn't have had; "" where nothing is."""
    what = "script" if job.entry is None else "wheel"
    if isinstance(error, SystemExit):
        end = "let it end by its last line" if job.entry is None else "let what it calls return"
        return f"a {what}'s task fails by any SystemExit on Databricks, that of sys.exit(0) too: {end}"
    if isinstance(error, WidgetNotDefinedError):
        return f"a {what} has no widgets on Databricks: its parameters are in sys.argv"
    if isinstance(error, NameError) and error.name in NAMES and job.entry is not None:
        return f"a module finds no {error.name} predefined: {how_to_get(error.name)}"
    if isinstance(error, NameError) and error.name == "__file__" and job.entry is None:
        return "a script's task has no __file__ on Databricks: take sys.argv[0]"
    if isinstance(error, RuntimeError) and "running event loop" in str(error):
        return f"a {what}'s task has an event loop that is running, on Databricks too"
    return ""


def _why_no_module(error: object, name: str, job: Job) -> str:
    """Why nobody knows whether a script finds a module; "" where a notebook wouldn't either."""
    folder = _folder_of(name, job)
    if folder is None:
        return ""
    shown = os.path.relpath(folder, job.root).replace(os.sep, "/")
    return (
        f"{error}: whether a Python script finds modules in {'the project' if shown == '.' else shown} isn't documented. "
        "Put the folder on the path, which works either way: sys.path.insert(0, …), from sys.argv[0]; or have the task ask for "
        "the project's wheel: libraries: [{whl: ./dist/*.whl}], or dependencies of its environment"
    )


def _folder_of(module: str, job: Job) -> str | None:
    """The folder of the project that a notebook would find a module in."""
    name = module.partition(".")[0]
    folders = dict.fromkeys([os.path.dirname(job.path), *job.roots, job.root])
    return next((one for one in folders if any(os.path.exists(os.path.join(one, name + end)) for end in (".py", os.sep))), None)
