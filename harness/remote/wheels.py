"""The project's own wheel: built once a pytest run, brought into the run's folder, and named to the Jobs API in its place.

A whl library or a dependency of a serverless environment that is a folder of the project stands for the wheel of that folder:
``libraries = [{ whl = "." }]``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.remote.errors import WheelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from harness.environments import Environment
    from harness.remote.protocol import Workspace
    from harness.remote.state import SharedRun

_SUBJECT = "wheels"
_FOLDER = "wheels"
_TIMEOUT_S = 600
NO_SOURCE = frozenset({"build", "dist", "node_modules", "venv", "__pycache__"})
"""Folders of a project that hold no source of its own."""


def folders_of(environment: Environment) -> tuple[str, ...]:
    """The folders of the project whose wheels an environment asks for, as they are written there."""
    libraries = [str(one["whl"]) for one in environment.libraries if one.get("whl")]
    dependencies = [str(one) for made in environment.environments for one in (made.get("spec") or {}).get("dependencies") or ()]
    return tuple(dict.fromkeys(one for one in (*libraries, *dependencies) if _is_folder(one)))


def _is_folder(text: str) -> bool:
    return text in (".", "..") or text.startswith(("./", "../"))


def in_libraries(libraries: Iterable[Mapping[str, Any]], made: Mapping[str, str]) -> list[dict[str, Any]]:
    """The libraries of a task, with paths on the workspace for folders."""
    return [{**one, "whl": made[one["whl"]]} if one.get("whl") in made else dict(one) for one in libraries]


def in_environments(environments: Iterable[Mapping[str, Any]], made: Mapping[str, str]) -> list[dict[str, Any]]:
    """The same for serverless environments."""
    found = []
    for one in environments:
        spec = dict(one.get("spec") or {})
        if spec.get("dependencies"):
            spec["dependencies"] = [made.get(name, name) for name in spec["dependencies"]]
        found.append({**one, **({"spec": spec} if spec else {})})
    return found


class Wheels:
    """Gives the wheels of one pytest run, which all its processes share; ``built`` builds one, and gives its name and bytes."""

    def __init__(
        self,
        environment: Environment,
        root: str,
        *,
        workspace: Workspace,
        shared: SharedRun,
        folder: str,
        progress: Callable[[str], None] = lambda _: None,
        pip_env: Mapping[str, str] | None = None,
        built: Callable[[str], tuple[str, bytes]] | None = None,
    ) -> None:
        self._wanted = folders_of(environment)
        self._root = root
        self._workspace = workspace
        self._shared = shared
        self._folder = f"{folder}/{_FOLDER}"
        self._progress = progress
        self._built = built or partial(build, env=pip_env)

    def there(self) -> dict[str, str]:
        """The paths on the workspace of the wheels that are there, by the folders that they are of."""
        return {str(name): str(path) for name, path in self._shared.told(_SUBJECT).items()}

    def bring(self, folders: Iterable[str] = ()) -> dict[str, str]:
        """Build and upload what isn't there yet, with the wheels of these folders; gives the paths of these on the workspace.

        Raises:
            WheelError: One can't be built.
            RemoteError: The workspace can't be used.
        """
        names = {folder: self._name_of(folder) for folder in folders}
        wanted = dict.fromkeys((*self._wanted, *names.values()))
        if self._missing(wanted):
            self._bring(wanted)
        there = self.there()
        return {folder: there[name] for folder, name in names.items()}

    def _name_of(self, folder: str) -> str:
        """How the environment has it, if it asks for it too: one wheel isn't built twice."""
        return next((one for one in self._wanted if self._place(one) == os.path.normpath(folder)), folder)

    def _place(self, name: str) -> str:
        return os.path.normpath(os.path.join(self._root, name))  # noqa: PTH118 - the project's root is a text

    def _bring(self, wanted: Iterable[str]) -> None:
        with self._shared.locked():
            for name in self._missing(wanted):  # another process may have brought it
                self._progress(f"building the wheel of {os.path.relpath(self._place(name), self._root)}")
                file, content = self._built(self._place(name))
                path = f"{self._folder}/{file}"
                if path in self.there().values():
                    raise WheelError(
                        "two folders make one wheel", cause=f"{name} makes {file}, and so does another", mend="keep one of them"
                    )
                self._workspace.make_folder(self._folder)
                self._workspace.upload(path, content, format="RAW")
                self._shared.tell(_SUBJECT, {**self.there(), name: path})

    def _missing(self, wanted: Iterable[str]) -> list[str]:
        there = self.there()
        return [one for one in wanted if one not in there]


def build(folder: str, *, env: Mapping[str, str] | None = None) -> tuple[str, bytes]:
    """Build the wheel of a folder, by pip and what the folder says of itself; gives its name and content.

    ``env`` has the variables that pip is to have in place of this process's.

    Raises:
        WheelError: It can't be built.
    """
    with tempfile.TemporaryDirectory(prefix="nbh-wheel-") as made:
        command = [sys.executable, "-P", "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", made, folder]
        variables = os.environ if env is None else env
        shown = f"python -m pip wheel --no-deps {folder}"
        if not any((Path(folder) / name).is_file() for name in ("pyproject.toml", "setup.py")):
            raise _error(folder, f"{folder} has no pyproject.toml", "name the folder that has one")
        left = _left_of_earlier(folder)
        if left:
            raise _error(folder, f"build holds {left}, which the project hasn't, and the wheel would have it", "remove build")
        try:
            done = subprocess.run(  # noqa: S603 -- our own
                command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False, env={**_apart(made), **variables}
            )
        except subprocess.TimeoutExpired:
            raise _error(folder, f"it took longer than {_TIMEOUT_S} s", f"try `{shown}`") from None
        if done.returncode:
            mend = "python -m ensurepip" if "No module named pip" in done.stderr else shown
            raise _error(folder, _end(done.stderr) or f"pip ended with {done.returncode}", f"try `{mend}`")
        wheels = sorted(Path(made).glob("*.whl"))
        if len(wheels) != 1:
            raise _error(folder, f"pip made {len(wheels)} wheels", f"try `{shown}`")
        return wheels[0].name, wheels[0].read_bytes()


def _apart(folder: str) -> dict[str, str]:
    """What has setuptools work in that folder, by a settings file of its own: the project's stays as it is.

    Else a module that goes from the project would stay in its ``build``, which no later wheel could be built with. A backend
    that lies in the project leaves nothing of Python's there either.
    """
    settings = Path(folder, "setuptools.cfg")
    settings.write_text(f"[build]\nbuild_base = {folder}/build\n[egg_info]\negg_base = {folder}\n", encoding="utf-8")
    return {"DIST_EXTRA_CONFIG": str(settings), "PYTHONDONTWRITEBYTECODE": "1"}


def _left_of_earlier(folder: str) -> str:
    """A module that an earlier build has left, and the project has no more: setuptools packs what lies there; "" for none."""
    built = [path for lib in Path(folder).glob("build/lib*") for path in lib.rglob("*.py")]
    if not built:
        return ""
    there: set[str] = set()
    for place, folders, files in os.walk(folder):
        folders[:] = [one for one in folders if not one.startswith(".") and one not in NO_SOURCE]
        there |= {Path(place, name).as_posix() for name in files if name.endswith(".py")}
    inside = (path.relative_to(next(one for one in path.parents if one.parent.name == "build")).as_posix() for path in built)
    return next((one for one in sorted(inside) if not any(path.endswith(f"/{one}") for path in there)), "")


def _error(folder: str, cause: str, mend: str) -> WheelError:
    return WheelError(f"the wheel of {folder} can't be built", cause=cause, mend=mend)


def _end(text: str, lines: int = 8) -> str:
    said: Sequence[str] = [line for line in text.strip().splitlines() if line.strip()]
    return "\n".join(said[-lines:])
