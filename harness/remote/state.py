"""What all processes of one pytest run share on this machine: a private folder, a lock, who is still there, the ledger.

<state>/remote/<run id>/
    ledger.jsonl    what was made on the workspace and not yet removed
    holders/<pid>   one file a process that works with it; its content is when that process started
    lock            held while one of them makes or removes what all share
    *.json          what they tell each other: the cluster, who uploads
    said.log        lines for the terminal, which only one of them has
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.remote.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VARIABLE = "NBH_STATE_DIR"
_SAID = "said.log"
_STARTS_DIFFER_S = 2.0
"""When a process started is told in steps of a hundredth of a second, after a boot time that may be set anew."""


def state_folder(variables: Mapping[str, str] | None = None) -> Path:
    """The folder for the state of remote runs: ``NBH_STATE_DIR``, or the user's; only the user can look into it."""
    import platformdirs

    given = (os.environ if variables is None else variables).get(VARIABLE)
    folder = Path(given) if given else Path(platformdirs.user_state_dir("databricks-notebook-harness", appauthor=False))
    return _private(folder / "remote")


def new_run_id() -> str:
    """A short name that no other run has."""
    return secrets.token_hex(4)


class SharedRun:
    """The folder of one pytest run, as one of its processes sees it.

    Make one a process, with the same ``run_id`` in all workers of a run; whoever makes it first sets what ``about`` says.
    """

    def __init__(self, run_id: str, *, about: Mapping[str, Any], state: Path | None = None) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", run_id):
            raise ValueError(f"{run_id!r} is no name of a run")
        self.run_id = run_id
        self.folder = _private((state or state_folder()) / run_id)
        self._holders = _private(self.folder / "holders")
        self._holder = self._holders / str(os.getpid())
        self._holder.write_text(_started(os.getpid()), encoding="ascii")
        self.ledger = Ledger(self.folder / "ledger.jsonl", about={**about, "run": run_id, "machine": socket.gethostname()})

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold what all processes of the run have but one at a time; it goes with the process that ends."""
        from filelock import FileLock

        with FileLock(self.folder / "lock"):
            yield

    def told(self, name: str) -> dict[str, Any]:
        """What a process of the run has told of a subject; empty if nothing yet, or not whole."""
        try:
            found = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def tell(self, name: str, facts: Mapping[str, Any]) -> None:
        """Tell the others; all of it, or nothing."""
        spare = self.folder / f"{name}.{os.getpid()}.tmp"
        spare.write_text(json.dumps(facts), encoding="utf-8")
        spare.replace(self.folder / f"{name}.json")

    def say(self, line: str) -> None:
        """Leave a line for the process of the run that has a terminal."""
        with contextlib.suppress(OSError), (self.folder / _SAID).open("a", encoding="utf-8") as file:
            file.write(" ".join(line.split()) + "\n")

    def said(self, after: int) -> tuple[list[str], int]:
        """The whole lines that were left after a place in the file, and the place where they end."""
        try:
            with (self.folder / _SAID).open("rb") as file:
                file.seek(after)
                whole = file.read().rpartition(b"\n")[0]
        except OSError:
            return [], after
        return whole.decode(errors="replace").splitlines(), after + len(whole) + bool(whole)

    def others(self) -> list[int]:
        """The other processes of the run that are still there."""
        return [pid for pid in holders_of(self.folder) if pid != os.getpid()]

    def leave(self) -> None:
        """Say that this process is done; the folder goes with the last one, unless the ledger still names something."""
        self._holder.unlink(missing_ok=True)
        if not self.others() and not self.ledger.entries():
            shutil.rmtree(self.folder, ignore_errors=True)


def holders_of(folder: Path) -> list[int]:
    """The processes that still work with a run's folder; one whose number another process has now is gone."""
    holders = (folder / "holders").glob("*")
    return sorted(int(one.name) for one in holders if one.name.isdigit() and _is_same(int(one.name), one))


def _is_same(pid: int, holder: Path) -> bool:
    now = _started(pid)
    try:
        then = holder.read_text(encoding="ascii")
        return bool(now) and abs(float(now) - float(then)) < _STARTS_DIFFER_S
    except (OSError, ValueError):
        return bool(now)  # it is just being written


def _started(pid: int) -> str:
    import psutil

    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else repr(process.create_time())
    except psutil.Error:
        return ""


def _private(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if os.name == "posix" and folder.stat().st_mode & 0o077:
        folder.chmod(0o700)
    return folder
