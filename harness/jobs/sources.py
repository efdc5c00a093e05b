"""The files that a job's tasks run: notebooks, and Python scripts; found in the project before anything is run."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from harness.jobs.errors import JobNotebookError, JobShapeError
from harness.jobs.job import NOTEBOOK, SCRIPT
from harness.jobs.written import Written, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.jobs.described import Described
    from harness.model import Location

_FIELDS = {NOTEBOOK: ("notebook", "notebook_path"), SCRIPT: ("script", "python_file")}
_IN_A_CLOUD = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")


class Sources:
    """Finds the files of one job's tasks; ``of_sql`` are the tasks whose notebook the job has run on a SQL warehouse."""

    def __init__(
        self, found: Described, root: str, find: Callable[[str, str], str | None], is_notebook: Callable[[str], bool]
    ) -> None:
        self._found, self._root, self._find, self._is_notebook = found, root, find, is_notebook
        self.of_sql: list[str] = []

    def path(self, kind: str, own: Mapping[str, Any], key: str) -> str:
        """The file that a task runs, "" for one of a kind that runs none.

        Raises:
            JobShapeError: It names none, or one of Git.
            JobNotebookError: It isn't in the project, or is of the other kind.
        """
        if kind not in _FIELDS:
            return ""
        what, field = _FIELDS[kind]
        # Where the bundle's files lie on a workspace, its own folder stands for.
        written, path = own.get(field), self._found.variables.resolve(own.get(field), files=self._found.files)
        if not isinstance(path, str) or not path:
            raise self._wrong(f'the task "{key}" names no {what}', f"{field} is missing", "write it", key)
        if own.get("source") == "GIT" or (self._found.settings.get("git_source") and own.get("source") != "WORKSPACE"):
            mend = "write source: WORKSPACE, with the path in the project"
            raise self._wrong(f'the task "{key}" takes its {what} from Git', "a copy runs the project's own", mend, key)
        if own.get("warehouse_id"):
            self.of_sql.append(str(key))
        place = self._place(written if isinstance(written, str) else key)
        names_it = path.beside if isinstance(path, Written) else self._found.path  # a target's change has a file of its own
        found = self._in_project(path, names_it)
        if kind == NOTEBOOK:
            if found is None:
                raise self._missing(kind, path, names_it, key, place)
            return found
        return self._script(path, found, names_it, key, place)

    def _script(self, path: str, found: str | None, names_it: str, key: str, place: Location) -> str:
        field = _FIELDS[SCRIPT][1]
        if _IN_A_CLOUD.match(path):
            raise JobNotebookError(
                f"the script of the task \"{key}\" isn't the project's",
                cause=f"{path} lies in a cloud's storage, and a copy runs the project's own",
                mend=f"name a file of the project as {field}",
                location=place,
            )
        if found is None or os.path.basename(found) != os.path.basename(path):  # of a script the suffix is written
            raise self._missing(SCRIPT, path, names_it, key, place)
        if all(os.path.relpath(found, one).startswith(os.pardir) for one in (self._root, self._found.home)):
            raise JobNotebookError(
                f'the script of the task "{key}" lies outside the project',
                cause=f"{found} isn't below {self._root}",
                mend="move it into the project, or run pytest from the folder that holds both",
                location=place,
            )
        if not found.endswith(".py"):
            raise JobNotebookError(
                f'the script of the task "{key}" is no Python file',
                cause=f"{path} doesn't end in .py",
                mend=f"name a Python file as {field}",
                location=place,
            )
        if self._is_notebook(found):
            # databricks bundle deploy refuses it too: a notebook has no suffix on a workspace, so no such file is there.
            raise JobNotebookError(
                f'the script of the task "{key}" is a notebook',
                cause=f"{path} is none of the plain Python files that a {SCRIPT} runs",
                mend=f'make it a {NOTEBOOK}, or take the line "# Databricks notebook source" out of the file',
                location=place,
            )
        return found

    def _in_project(self, path: str, names_it: str) -> str | None:
        inside = path.startswith(self._found.files + os.sep)
        return self._find(os.path.relpath(path, os.path.dirname(names_it)) if inside else str(path), names_it)

    def _missing(self, kind: str, path: str, names_it: str, key: str, place: Location) -> JobNotebookError:
        (what, field), beside = _FIELDS[kind], os.path.dirname(names_it)
        folder = os.path.dirname(os.path.join(beside, path))
        files = os.listdir(folder) if os.path.isdir(folder) else []
        own = os.path.basename(path)
        near = get_close_matches(own, [name for name in files if name != own], n=1)
        if not os.path.isabs(path) and os.path.isfile(of_bundle := os.path.join(self._found.home, path)):
            near = [os.path.relpath(of_bundle, beside).replace(os.sep, "/")]  # it is written as if it counted from there
        is_workspaces = path.startswith("/") and not path.startswith(self._found.files + os.sep)
        leads = (
            "leads from the workspace to nothing in the project"
            if is_workspaces
            else "counts from the folder of the file that names it"
        )
        mend = f'did you mean "{near[0]}"?' if near else f"correct {field}"
        if is_workspaces:
            own = self._prefix_of(path)
            setting = f'map its folder to the project\'s: [tool.nbh] run_prefixes = {{ "{own}" = "." }}'
            mend = setting if own else f"correct {field}, or map the workspace folder under [tool.nbh] run_prefixes"
        return JobNotebookError(
            f'the {what} of the task "{key}" isn\'t there', cause=f"{path}, which {leads}", mend=mend, location=place
        )

    def _prefix_of(self, path: str) -> str:
        """The workspace's folder that has what the project has, going by where a path leads in it; "" where none does."""
        parts = path.removeprefix("/Workspace").strip("/").split("/")
        here = os.path.join(self._root, "x")
        found = (count for count in range(1, len(parts)) if self._find("/".join(parts[count:]), here) is not None)
        return "".join(f"/{part}" for part in parts[: next(found, 0)])

    def _wrong(self, what: str, cause: str, mend: str, near: Any) -> JobShapeError:
        return JobShapeError(what, cause=cause, mend=mend, location=self._place(near))

    def _place(self, value: Any) -> Location:
        return place_of(value, otherwise=self._found.path, root=self._root)
