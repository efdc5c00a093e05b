"""What a kernel is told of the run that it is for, and what it tells of it: plain data in files, for a kernel may die."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.jobs.job import Entry, Wheel
from harness.notebook import read_notebook
from harness.notebook.script import read_script

if TYPE_CHECKING:
    from harness.model import Notebook

JOB, EVENTS, WORK = "job.json", "events.jsonl", "work"

AFTER = 0
"""What a kernel is told in place of a cell's number when all cells are done."""

ERROR_LIMIT = 100_000
"""How many characters of an error's text are kept, and of its traceback."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run: the notebook and what it is given.

    ``root`` is the folder that paths are shown relative to, ``project`` that of the settings. ``folder`` is the run's own, in
    which it leaves what it tells; it works in ``work``. ``space`` names the catalogs that it sees; "" is that it has no Spark.
    On the socket ``host`` it asks who started it. ``allow`` is what it may do on this machine beyond Python and Spark. After a
    restart of Python ``resumed`` holds what is kept. ``measure`` says what coverage is to see; None is that there is none.
    ``files`` is the folder of the dbfs and volumes that it sees; ``writes`` says whether it may write below ``/Workspace``.
    ``time_zone`` is that of its clock, ``runtime`` the Databricks runtime that it stands for; "" is that nobody knows.
    ``whose`` are the settings that say whose its Spark session is. ``arguments`` are those of a Python script; None is that it
    is a notebook, and ``is_task`` that this is a job's. ``entry`` is what is called in place of a script, of a module of a
    package; ``path`` is this module's. ``wheels`` are those of the project that it finds installed.
    """

    path: str
    root: str
    project: str
    folder: str
    work: str
    space: str
    widgets: dict[str, str] = field(default_factory=dict)
    run_prefixes: dict[str, str] = field(default_factory=dict)
    roots: tuple[str, ...] = ()
    host: str = ""
    allow: tuple[str, ...] = ()
    resumed: dict[str, Any] = field(default_factory=dict)
    measure: dict[str, Any] | None = None
    files: str = ""
    writes: bool = False
    time_zone: str = "UTC"
    runtime: str = ""
    whose: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] | None = None
    is_task: bool = False
    entry: Entry | None = None
    wheels: tuple[Wheel, ...] = ()

    @property
    def what(self) -> str:
        """What it is, in words for people."""
        return "wheel" if self.entry is not None else "Python script" if self.arguments is not None else "notebook"

    def read(self) -> Notebook:
        """What is run."""
        return read_script(self.path) if self.arguments is not None else read_notebook(self.path)

    @property
    def site(self) -> str:
        """The folder of what the run itself installs."""
        return str(Path(self.folder, "site"))

    def save(self) -> Path:
        """Write it into the run's folder; gives the file."""
        file = Path(self.folder, JOB)
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")
        return file


def clipped(text: str, limit: int = ERROR_LIMIT) -> str:
    """A text of which no more than that is kept."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text):,} characters)"


def printable(value: Any) -> Any:
    """Plain data with texts that can be written as UTF-8: half a character, which Python's texts may hold, becomes "?"."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: printable(held) for key, held in value.items()}
    return [printable(held) for held in value] if isinstance(value, (list, tuple)) else value


def load_job(file: str) -> Job:
    """Read a job that was saved."""
    facts = json.loads(Path(file).read_text(encoding="utf-8"))
    entry, wheels = facts.pop("entry"), tuple(Wheel(**one) for one in facts.pop("wheels"))
    return Job(**facts, entry=None if entry is None else Entry(**entry), wheels=wheels)


def tell(folder: str, event: str, **facts: Any) -> None:
    """Add what happened to the run's record; at once, so that it is there whatever comes next."""
    # Where the notebook has deleted the folder, its answers say the rest.
    with contextlib.suppress(OSError), Path(folder, EVENTS).open("a", encoding="utf-8") as record:
        record.write(json.dumps({"event": event, **printable(facts)}) + "\n")


def told(folder: str) -> list[dict[str, Any]]:
    """What a run has told so far; a line that was cut off by its end is left out."""
    try:
        lines = Path(folder, EVENTS).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return found
