"""What a pytest run's use of a workspace cost, as far as it can be seen from here: cluster starts and run minutes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Costs:
    """Of one process; the sum is that of several processes of one run.

    ``shared_starts`` counts the clusters that all processes share, ``own_starts`` those that runs brought for themselves.
    """

    shared_starts: int = 0
    own_starts: int = 0
    minutes: float = 0.0

    def __add__(self, other: Costs) -> Costs:
        return Costs(
            max(self.shared_starts, other.shared_starts), self.own_starts + other.own_starts, self.minutes + other.minutes
        )

    def __str__(self) -> str:
        starts = self.shared_starts + self.own_starts
        parts = [f"{starts} cluster start{'s' if starts != 1 else ''}"] if starts else []
        if not self.minutes:
            return ", ".join(parts)
        took = f"{self.minutes:.1f} run minutes" if self.minutes >= 1 else f"{self.minutes * 60:.0f} run seconds"
        return ", ".join([*parts, took])


def starts_of(body: Any) -> int:
    """How many clusters a submitted run starts: each task that brings ``new_cluster`` has its own."""
    if isinstance(body, dict):
        return ("new_cluster" in body) + sum(starts_of(value) for key, value in body.items() if key != "new_cluster")
    return sum(starts_of(value) for value in body) if isinstance(body, list) else 0
