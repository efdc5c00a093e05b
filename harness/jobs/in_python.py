"""What of a bundle is Python: resources that it makes and jobs that it changes, by Databricks' own ``databricks-bundles``.

It is asked as Databricks' command line asks it, see bundle/config/mutator/python of https://github.com/databricks/cli: in the
bundle's folder, with the target and the variables' values. What it makes has paths that count from that folder.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from harness.jobs.errors import JobFileError, JobVariableError
from harness.jobs.variables import FILES, ROOT
from harness.jobs.written import Written, place_of, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.jobs.bundles import Bundle
    from harness.jobs.variables import Variables

LIMIT_S = 120.0
RESTRICTED = "DATABRICKS_BUNDLE_RESTRICTED_CODE_EXECUTION"
"""Set, Databricks' command line runs no Python of a bundle."""

_PATHS = frozenset({"notebook_path", "python_file", "whl", "jar", "requirements"})
_NO_PATH = re.compile(r"/|[A-Za-z][A-Za-z0-9+.-]*:|\$\{")
_PYTHON = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python3")
_FRAME = re.compile(r'File "([^"]+)", line (\d+)')


class InPython:
    """What of one bundle is Python, for a target; ``variables`` are those that are known for it."""

    def __init__(self, bundle: Bundle, target: str, variables: Variables) -> None:
        self._bundle, self._target, self._variables = bundle, target, variables
        self._home = os.path.dirname(bundle.path)

    def resources(self) -> dict[str, dict[str, Any]]:
        """The resources that it makes, by kind and key; their texts know the Python file in which each was made.

        Raises:
            JobFileError: It fails, or can't be run.
        """
        found, places = self._asked("load_resources", {})
        return {
            kind: {key: self._placed(one, *places.get(f"{kind}.{key}", (self._bundle.path, None))) for key, one in held.items()}
            for kind, held in found.items()
        }

    def changed(self, key: str, job: Mapping[str, Any], path: str) -> dict[str, Any]:
        """A job's settings as it leaves them; ``path`` is the file that describes the job.

        Raises:
            JobFileError: It fails, or can't be run.
        """
        found, places = self._asked("apply_mutators", {"jobs": {key: self._from_home(self._as_far_as_known(job), path)}})
        return dict(self._placed(found["jobs"][key], *places.get(f"jobs.{key}", (path, None))))

    def _asked(self, phase: str, resources: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, tuple[str, int | None]]]:
        """The resources after a phase, and where Python made them, by ``kind.key``."""
        python = self._bundle.in_python
        names = [one.removeprefix("var.") for one in self._variables.values if re.fullmatch(r"var\.\w+", one)]
        given = {
            "bundle": {"name": str(self._bundle.about.get("name") or ""), "target": self._target},
            # Older releases read the one, newer the other; both alike are taken by all.
            "python": python,
            "experimental": {"python": python},
            "variables": {name: {"value": self._as_far_as_known(f"${{var.{name}}}")} for name in names},
            "resources": resources,
        }
        with tempfile.TemporaryDirectory(prefix="nbh-bundle-") as folder:
            files = {name: os.path.join(folder, f"{name}.json") for name in ("input", "output", "diagnostics", "locations")}
            with open(files["input"], "w", encoding="utf-8") as file:
                json.dump(given, file)
            said = self._run(["--phase", phase, *(word for name, path in files.items() for word in (f"--{name}", path))])
            for one in _lines(files["diagnostics"]):
                if one.get("severity") == "error":
                    raise self._failed(one)
            if said is not None or not os.path.isfile(files["output"]):
                raise self._error("it ended without a word" if said is None else said, _mend(said or ""))
            with open(files["output"], encoding="utf-8") as file:
                found = json.load(file).get("resources") or {}
            places = {
                one["path"].removeprefix("resources."): (
                    os.path.normpath(os.path.join(self._home, one["file"])),
                    one.get("line"),
                )
                for one in _lines(files["locations"])
            }
        return found, places

    def _run(self, words: Iterable[str]) -> str | None:
        """Run it; gives what it said at its end where it failed."""
        if os.environ.get(RESTRICTED):
            raise self._error(f"{RESTRICTED} is set, which forbids to run it", f"unset {RESTRICTED}")
        venv = self._bundle.in_python.get("venv_path")
        own = os.path.join(self._home, str(venv), *_PYTHON)
        python = own if venv and os.path.isfile(own) else sys.executable
        try:
            done = subprocess.run(  # noqa: S603 -- the bundle's own Python, which its deployment runs too
                [python, "-m", "databricks.bundles.build", *words],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=LIMIT_S,
                check=False,
                cwd=self._home,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},  # nothing is left beside the user's files
            )
        except subprocess.TimeoutExpired as exc:
            raise self._error(f"it was still running after {LIMIT_S:.0f} seconds", "see what it waits for") from exc
        except OSError as exc:
            raise self._error(f"{python} can't be started: {exc}", "correct venv_path under python") from exc
        return None if done.returncode == 0 else (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]

    def _failed(self, told: Mapping[str, Any]) -> JobFileError:
        """An error of it: its last line says why, and the last frame of the bundle's own files where."""
        detail, home = str(told.get("detail") or ""), os.path.realpath(self._home)
        why = [line for line in detail.splitlines() if re.match(r"[A-Za-z_][\w.]*(: |$)", line)]
        at = told.get("location") or {}
        frames = [
            (file, int(line)) for file, line in _FRAME.findall(detail) if os.path.realpath(file).startswith(home + os.sep)
        ]
        place: tuple[str, int | None] | None = (os.path.join(home, at["file"]), at.get("line")) if at.get("file") else None
        summary = str(told.get("summary") or "it fails")
        is_missing = any(line.startswith("ModuleNotFoundError: ") for line in why[-1:])
        mend = "install it where the bundle's Python runs, or correct the import" if is_missing else "mend it there"
        return self._error(f"{summary}: {why[-1]}" if why else summary, mend, frames[-1] if frames else place)

    def _error(self, cause: str, mend: str, at: tuple[str, int | None] | None = None) -> JobFileError:
        where = place_of(written("", *at) if at else None, otherwise=self._bundle.path, root=self._bundle.root)
        return JobFileError("what the bundle makes in Python isn't known", cause=cause, mend=mend, location=where)

    def _as_far_as_known(self, value: Any) -> Any:
        """A value with the variables that are known in their places; the others, such as a cluster's, stay as they are."""
        if isinstance(value, dict):
            return {key: self._as_far_as_known(held) for key, held in value.items()}
        if isinstance(value, list):
            return [self._as_far_as_known(held) for held in value]
        try:
            return self._variables.resolve(value, files=FILES, above=ROOT)
        except JobVariableError:
            return value

    def _from_home(self, value: Any, path: str, name: str = "") -> Any:
        """Paths as they count from the bundle's folder: so its Python is given them."""
        if isinstance(value, dict):
            return {key: self._from_home(held, path, str(key)) for key, held in value.items()}
        if isinstance(value, list):
            return [self._from_home(held, path, name) for held in value]
        is_path = name in _PATHS or (name == "dependencies" and str(value).startswith("."))
        if not is_path or not isinstance(value, str) or _NO_PATH.match(value):
            return value
        own = os.path.relpath(os.path.dirname(value.beside if isinstance(value, Written) else path), self._home)
        found = posixpath.normpath(posixpath.join(own.replace(os.sep, "/"), value))
        return f"./{found}" if value.startswith(".") and not found.startswith(".") else found

    def _placed(self, value: Any, path: str, line: int | None) -> Any:
        """A value whose texts know where they were made; a file outside the project is nobody's to mend."""
        if os.path.relpath(path, self._bundle.root).startswith(os.pardir):
            path, line = self._bundle.path, None
        if isinstance(value, dict):
            return {key: self._placed(held, path, line) for key, held in value.items()}
        if isinstance(value, list):
            return [self._placed(held, path, line) for held in value]
        return written(value, path, line, self._bundle.path) if isinstance(value, str) else value


def made_in(value: Any) -> Iterator[str]:
    """The files in which the texts of a value were made."""
    if isinstance(value, Written):
        yield value.path
    for held in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from made_in(held)


def _mend(said: str) -> str:
    missing = "databricks.bundles" in said or "No module named 'databricks'" in said
    return "python -m pip install databricks-bundles" if missing else "run `databricks bundle validate`, which says more"


def _lines(path: str) -> Iterator[dict[str, Any]]:
    """JSON, a value a line; nothing where there is no such file."""
    if os.path.isfile(path):
        with open(path, encoding="utf-8") as file:
            yield from (json.loads(line) for line in file if line.strip())
