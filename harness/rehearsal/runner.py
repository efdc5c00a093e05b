"""One notebook of the workspace, truly run: by the public command line, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from harness.rehearsal.tree import Item
    from harness.rehearsal.workspace import Workspace

_SETTINGS = (
    '[tool.nbh]\nrun_prefixes = { "/" = "workspace", "/Workspace" = "workspace" }\nroots = []\nworkspace_writes = true\n'
)
SECRETS = "secrets of runs"
"""Under this name the workspace's parts share a function that gives all secrets: scope, key, value."""

_LOOK_S = 0.02
_CLEAN_UP_S = 10.0

# It ends with the server, however that ends; where the system has no such signal, the server's own end must do.
_BOUND = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of a run: the facts that the command line gives, the executed notebook, and what it said beside them."""

    facts: Mapping[str, Any]
    executed: Mapping[str, Any] = field(default_factory=dict)
    said: str = ""

    @property
    def outcome(self) -> str:
        """How it ended; "infrastructure_failed" where nothing tells."""
        return str(self.facts.get("outcome", "infrastructure_failed"))


def run(
    workspace: Workspace,
    item: Item,
    parameters: Mapping[str, str],
    *,
    folder: Path,
    ended: Callable[[], bool],
    packages: Path | None = None,
) -> Ran:
    """Run a notebook until it ends, or until ``ended`` says so: then it is stopped, with all that it started.

    ``folder`` is the run's own, ``packages`` one with what its task had installed.
    """
    project = folder / "project"
    project.mkdir(parents=True, exist_ok=True)
    settings, variables = _secrets(workspace)
    (project / "pyproject.toml").write_text(_SETTINGS + settings, encoding="utf-8")
    with contextlib.suppress(FileExistsError):
        (project / "workspace").symlink_to(workspace.place.notebooks)
    _hold_space(workspace)
    if packages is not None:
        variables["PYTHONPATH"] = str(packages)
    executed = folder / "executed.ipynb"
    try:
        process = _launch(_command(workspace, item, parameters, executed), project, folder, variables)
    except OSError as exc:  # parameters longer than a command line may be
        return Ran({"error": f"the notebook's process can't be started: {exc.strerror}"})
    is_over = threading.Event()
    try:
        while process.poll() is None:
            if ended():
                _end(process)
                break
            is_over.wait(_LOOK_S)
    finally:
        if process.poll() is None:
            _end(process)
    return Ran(_json(folder / "stdout"), _json(executed), _text(folder / "stderr"))


def _command(workspace: Workspace, item: Item, parameters: Mapping[str, str], executed: Path) -> list[str]:
    """The whole command; its catalogs and files are the workspace's."""
    return [
        *("-P", "-m", "harness", "run", f"workspace/{item.disk}"),
        *(f"-p{name}={value}" for name, value in parameters.items()),
        *("--json", "--output", str(executed), "--timeout", "0", "--allow", "pip"),
        *("--space", workspace.space, "--files", str(workspace.files)),
    ]


def _secrets(workspace: Workspace) -> tuple[str, dict[str, str]]:
    """The workspace's secrets for the notebook: which variable holds which, as settings, and the variables."""
    find = workspace.shared.get(SECRETS)
    lines: list[str] = []
    variables: dict[str, str] = {}
    for scope, held in (find() if callable(find) else {}).items():
        lines.append(f"[tool.nbh.secrets.{json.dumps(scope)}]")
        for key, value in held.items():
            name = f"NBH_REHEARSAL_SECRET_{len(variables)}"
            variables[name] = value
            lines.append(f"{json.dumps(key)} = {json.dumps(name)}")
    return "\n".join([*lines, ""]), variables


def _launch(command: list[str], project: Path, folder: Path, variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        return subprocess.Popen(  # noqa: S603 -- our own command
            [sys.executable, "-S", "-c", _BOUND, str(os.getpid()), *command],
            cwd=project,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )


def _hold_space(workspace: Workspace) -> None:
    """See that the workspace's own session is open: the catalogs of its space would go with the run otherwise."""
    if workspace.open_spark is None:
        return
    try:
        workspace.spark  # noqa: B018 -- opened at first use
    except HarnessError as exc:  # a notebook without Spark still runs, and another one says so itself
        _log.error("Spark can't be had: %s", exc)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let it clean up, and then end it with all of its session."""
    process.terminate()
    try:
        process.wait(_CLEAN_UP_S)
    except subprocess.TimeoutExpired:
        _log.warning("run %d doesn't end by itself", process.pid)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")[-4000:]
    except OSError:
        return ""
