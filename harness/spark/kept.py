"""What was kept of tests: copies of their catalogs that stay on the warm engine until it ends."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Kept:
    """One copy: the space's name, the test it is of, that test's schema if it had one, and the number of tables and views."""

    space: str
    test: str
    schema: str
    at: float
    tables: int = 0


def kept_spaces(folder: Path) -> list[Kept]:
    """What is kept on the engine of a folder, oldest first."""
    found = []
    for path in (folder / "spaces").glob("*/kept.json"):
        try:
            found.append(Kept(**json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError):
            continue  # it is being written or removed
    return sorted(found, key=lambda kept: kept.at)
