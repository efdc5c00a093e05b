"""How far a run is, for whoever watches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Progress:
    """One look at a run that goes on.

    ``number`` is the cell that is on, counted from 1, or 0 where none has begun; ``of`` is how many there are. ``elapsed_s`` is
    the run's time so far. ``ended`` are the cells that have ended, with their times in seconds; ``cells`` are nbformat's.
    """

    number: int
    of: int
    elapsed_s: float
    ended: Mapping[int, float]
    cells: Sequence[Mapping[str, Any]]
