"""What is said of a failed run beside its error, where the error alone leads astray."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from harness.extract.off_path import off_path, on_path
from harness.runtime.fs_paths import NO_WAREHOUSE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_NOT_FOUND = re.compile(r"Path does not exist: dbfs:(/.+?)\. SQLSTATE")
_NO_MODULE = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")
_NO_WORKSPACE = re.compile(r"No such file or directory: '(?:file:)?(/Workspace/[^']+)'")

# What an error says, and what is to be said of it; {0} is what the pattern's group finds.
_SAID = (
    (
        re.compile(r"\[UNBOUND_SQL_PARAMETER\] Found the unbound parameter: (\w+)"),
        "no widget has the name {0}, whose value was to stand there: give it by widgets, or by -p {0}=…",
    ),
    (
        re.compile(r"\[PARSE_SYNTAX_ERROR\] Syntax error at or near '(\$)'"),
        "a {0}{{name}} is left in the statement where no widget has that name: give it by widgets, or by -p name=…",
    ),
    (
        re.compile(r"\[(?:TABLE_OR_VIEW|SCHEMA)_NOT_FOUND\] The (?:table or view|schema) (`[^ ]+`) cannot be found"),
        "a run's catalogs are empty but for what its test and it made: make {0} first, by uc, make_schema or make_table",
    ),
    (
        re.compile(r"\[NO_SUCH_CATALOG_EXCEPTION\] Catalog '(.+?)' was not found"),
        "a run has the default catalog, and those that its test and it made: make {0} first, by make_catalog",
    ),
    (
        re.compile(r"\[MISSING_CATALOG_ABILITY\.CREATE_FUNCTION\] Catalog (\S+) does not support CREATE FUNCTION"),
        "so Spark says, too, where the function's catalog isn't there ({0} is the current one): make it first, by make_catalog",
    ),
    (
        re.compile(r"(raw_input|getpass) was called, but this frontend does not support input requests"),
        "nobody is there to answer, nor in a job on Databricks: take it from a widget, given by widgets, or by -p name=…",
    ),
    (
        re.compile(r"\A(SystemExit)\b"),
        "{0} fails a run on Databricks too; a notebook that is done ends by dbutils.notebook.exit(…)",
    ),
)

_TO_MAKE = re.compile(r"first, by (?:uc|make_)")
_TRACE = "Traceback (most recent call last):"

MARK = "hint: "
"""What a line of an error begins with that is none of the error's own."""


def with_hint(
    error: str,
    *,
    mapped: Collection[str] = (),
    root: str = "",
    project: str = "",
    script: bool = False,
    tables: Callable[[], object] = str,
) -> str:
    """An error's text, with a line more where there is something to say.

    ``mapped`` are known folders below ``/Workspace``, ``root`` is that of the run, ``project`` that of the
    settings; a ``script`` finds only what is installed. ``tables`` tells what a notebook needs of its catalogs, so that what
    isn't there can be made at once and not one failure after the other.
    """
    said = "" if hint_of(error) else _hint(error, mapped, root, project, script=script)
    if said and _TO_MAKE.search(said) and (more := str(tables())):
        said += f"; {more}"
    return hinted(error, said) if said else error


def hinted(error: str, said: str) -> str:
    """An error's text with this said beside it."""
    return f"{error}\n{MARK}{said}"


def joined(error: str, more: str) -> str:
    """An error's text with more of it, before what is said beside it."""
    own, mark, said = error.rpartition(f"\n{MARK}")
    return f"{own}; and {more}{mark}{said}" if mark else f"{error}; and {more}"


def in_short(error: str) -> str:
    """What an error says, in one line: of one that tells another Python's traceback what that one ended with."""
    lines = [line.rstrip() for line in error.splitlines() if line.strip() and not line.startswith(MARK)]
    traces = [at for at, line in enumerate(lines) if line.endswith(_TRACE)]
    of_worker = [line for line in lines[traces[-1] + 1 :] if not line[0].isspace()] if traces else []
    if of_worker:
        return f"{lines[0].partition(': ')[0]}: {of_worker[0]}"
    first, *more = lines or [""]
    return f"{first} {more[0]}" if more and first.endswith(":") else first


def hint_of(error: str) -> str:
    """What was said so; "" if nothing was."""
    return next((line.removeprefix(MARK) for line in error.splitlines()[::-1] if line.startswith(MARK)), "")


def _hint(error: str, mapped: Collection[str], root: str, project: str, *, script: bool) -> str:
    found = _NO_MODULE.search(error)
    if found is not None:
        return _missing_module(found[1], root, script=script)
    found = _NOT_FOUND.search(error)
    if found is not None and found[1].startswith("/dbfs/"):
        return f"Spark knows it as dbfs:{found[1].removeprefix('/dbfs')}; /dbfs/… is for Python's own file functions"
    if found is not None and found[1].startswith("/user/hive/warehouse/"):
        return NO_WAREHOUSE
    if found is not None and os.path.exists(found[1]):
        return (
            f"this machine has {found[1]}, but in a notebook that is run whole a path without a scheme is one of dbfs, as on "
            f"Databricks: put the file into dbfs or a volume first, or name it file:{found[1]}"
        )
    if found is not None and os.path.exists(beside := found[1].lstrip("/")):
        return (
            f"{beside} is there, but Spark's relative paths are of dbfs, as on Databricks: only Python's own functions find "
            f'files beside the notebook. Put it into dbfs or a volume, or name it whole: f"file:{{os.getcwd()}}/{beside}"'
        )
    found = _NO_WORKSPACE.search(error)
    if found is not None and not any(found[1].startswith(f"/Workspace{folder}/") for folder in mapped):
        prefix = _prefix_of(found[1], project) if project else ""
        return (
            f"where {found[1]} is in the repository the setting run_prefixes says, by one of the folders that hold it: "
            f'[tool.nbh] run_prefixes = {{ "{prefix or os.path.dirname(found[1])}" = "." }}'
        )
    told = ((pattern.search(error), text) for pattern, text in _SAID)
    return next((text.format(found[1]) for found, text in told if found is not None), "")


def _prefix_of(path: str, project: str) -> str:
    """The folder of the workspace that is the project's, by what lies in it, or by its name; "" where neither tells."""
    parts = [part for part in path.split("/") if part][1:]
    for count in range(1, len(parts)):
        if os.path.exists(os.path.join(project, *parts[count:])):
            return "/" + "/".join(parts[:count])
    name = os.path.basename(project)
    return "/" + "/".join(parts[: parts.index(name) + 1]) if name in parts else ""


def _missing_module(name: str, root: str, *, script: bool) -> str:
    folder = off_path(name, root) if root else None
    if folder is None:
        return f"{name} is neither installed beside the tests nor a module of the project; on Databricks a library may bring it"
    path = "" if script else f"{on_path(folder)}, or "
    return (
        f"{name} is in {folder}, which isn't on the path; on Databricks a wheel of it or sys.path may bring it: "
        f"{path}install the project beside the tests"
    )
