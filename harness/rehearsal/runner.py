"""One notebook of the workspace, truly run: by the public command line, in a process of its own (forked from a warm one)."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.rehearsal.warm import CLEAN_UP_S, Warm, WarmRun

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from harness.rehearsal.tokens import Caller
    from harness.rehearsal.tree import Item
    from harness.rehearsal.workspace import Workspace

_SETTINGS = (
    '[tool.nbh]\nrun_prefixes = { "/" = "workspace", "/Workspace" = "workspace" }\nroots = []\nworkspace_writes = true\n'
)
SECRETS = "secrets of runs"
"""Under this name the workspace's parts share a function that gives all secrets: scope, key, value."""

_WARM = "warm process of runs"
_LOOK_S = 0.02

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


@dataclass(frozen=True, slots=True)
class TaskOf:
    """Which task a notebook is: its key, and the task values of all tasks of its run."""

    key: str
    values: Mapping[str, Mapping[str, Any]]

    def options(self, folder: Path) -> list[str]:
        """The command line's options that tell it."""
        file = folder / "task-values.json"
        file.write_text(json.dumps(self.values), encoding="utf-8")
        return ["--task-key", self.key, "--task-values", str(file)]


def run(
    workspace: Workspace,
    item: Item | None,
    given: Mapping[str, Any],
    *,
    by: Caller,
    folder: Path,
    ended: Callable[[], bool],
    packages: Path | None = None,
    task: TaskOf | None = None,
) -> Ran:
    """Run a notebook, script or wheel until it ends, or until ``ended`` says so: then it is stopped, with all that it started.

    ``given`` is what it is given by the kind of its task, as the API tells it, with what names a package where there is no
    ``item``; ``by`` is whom it runs as. ``folder`` is the run's own, ``packages`` one with what its task had installed, and
    ``task`` the task that it is.
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
    command = _command(workspace, item, given, executed) + (task.options(folder) if task is not None else [])
    command += ["--principal" if by.is_service_principal else "--user", by.name]
    process: _Own | WarmRun
    try:
        if packages is None:
            process = _warm(workspace).run(command, project, folder, {**os.environ, **variables})
        else:  # what was installed for the task has to come before what a warm process has imported
            process = _launch(command, project, folder, variables)
    except OSError as exc:  # parameters longer than a command line may be
        return Ran({"error": f"the notebook's process can't be started: {exc.strerror}"})
    is_over = False
    try:
        while not (is_over := process.wait(_LOOK_S)) and not ended():
            pass
    finally:
        if not is_over:
            process.end()
    facts = _json(folder / "stdout")
    return Ran(facts, _json(executed), _text(folder / "stderr") or ("" if facts else "the notebook's process was lost"))


def close(workspace: Workspace) -> None:
    """End the warm process, and with it runs that are still on."""
    found = workspace.shared.pop(_WARM, None)
    if isinstance(found, Warm):
        found.close()


def _warm(workspace: Workspace) -> Warm:
    """The process that runs are forked from; the workspace's first run starts it."""
    found = workspace.shared.get(_WARM)
    if not isinstance(found, Warm):
        found = workspace.shared.setdefault(_WARM, Warm())
    assert isinstance(found, Warm)  # noqa: S101 -- nobody else puts anything there
    return found


def _command(workspace: Workspace, item: Item | None, given: Mapping[str, Any], executed: Path) -> list[str]:
    """The arguments of `nbh run`; its catalogs and files are the workspace's."""
    what = f"workspace/{item.disk}" if item is not None else ""
    if "python_wheel_task" in given:
        wheel = given["python_wheel_task"]
        what, named = wheel["package_name"], (wheel.get("named_parameters") or {}).items()
        texts = [*(wheel.get("parameters") or ()), *(f"--{name}={value}" for name, value in named)]
        its = [f"--entry-point={wheel['entry_point']}", *(f"--argument={text}" for text in texts)]
    elif "spark_python_task" in given:
        its = ["--script", *(f"--argument={text}" for text in given["spark_python_task"]["parameters"])]
    else:
        its = [f"-p{name}={value}" for name, value in given["notebook_task"]["base_parameters"].items()]
    return [
        what,
        *its,
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


def _launch(command: list[str], project: Path, folder: Path, variables: Mapping[str, str]) -> _Own:
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(  # noqa: S603 -- our own command
            [sys.executable, "-S", "-c", _BOUND, str(os.getpid()), "-P", "-m", "harness", "run", *command],
            cwd=project,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    return _Own(process)


class _Own:
    """The process of a run that was started for it alone."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, within that time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self._process.returncode is not None

    def end(self) -> None:
        """Let it clean up, and then end it with all of its session."""
        self._process.terminate()
        if not self.wait(CLEAN_UP_S):
            _log.warning("run %d doesn't end by itself", self._process.pid)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _hold_space(workspace: Workspace) -> None:
    """See that the workspace's own session is open: the catalogs of its space would go with the run otherwise."""
    if workspace.open_spark is None:
        return
    try:
        workspace.spark  # noqa: B018 -- opened at first use
    except HarnessError as exc:  # a notebook without Spark still runs, and another one says so itself
        _log.error("Spark can't be had: %s", exc)


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
