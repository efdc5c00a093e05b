"""What a kernel is told of the run that it is for, and what it tells of it: plain data in files, for a kernel may die."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

JOB, EVENTS = "job.json", "events.jsonl"


@dataclass(frozen=True, slots=True)
class Job:
    """One run: the notebook and what it is given.

    ``root`` is the folder that paths are shown relative to, ``project`` that of the settings. ``folder`` is the run's own, in
    which it leaves what it tells; it works in ``work``. ``space`` names the catalogs that it sees; "" is that it has no Spark.
    ``files`` is the folder of the dbfs and volumes that it sees.
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
    files: str = ""

    def save(self) -> Path:
        """Write it into the run's folder; gives the file."""
        file = Path(self.folder, JOB)
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")
        return file


def load_job(file: str) -> Job:
    """Read a job that was saved."""
    return Job(**json.loads(Path(file).read_text(encoding="utf-8")))


def tell(folder: str, event: str, **facts: Any) -> None:
    """Add what happened to the run's record; at once, so that it is there whatever comes next."""
    with Path(folder, EVENTS).open("a", encoding="utf-8") as record:
        record.write(json.dumps({"event": event, **facts}) + "\n")


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
