"""What the end of a run says of a workspace, once for all of its processes: what isn't known of it, and what it cost."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from harness.collect.notes import summarise as summarise_notes
from harness.collect.remote import remote_if_used
from harness.remote.costs import Costs

if TYPE_CHECKING:
    from collections.abc import Mapping

_COSTS: pytest.StashKey[Costs] = pytest.StashKey()
_NOTES: pytest.StashKey[list[str]] = pytest.StashKey()
_KEY_OF_COSTS, _KEY_OF_NOTES = "nbh_costs", "nbh_notes"


def send(config: pytest.Config) -> None:
    """Hand what a worker's runs cost, and what isn't known of them, to the process that tells of it."""
    remote = remote_if_used(config)
    if remote is not None and hasattr(config, "workeroutput"):
        config.workeroutput |= {_KEY_OF_COSTS: asdict(remote.costs), _KEY_OF_NOTES: list(remote.notes)}


def receive(config: pytest.Config, output: Mapping[str, Any]) -> None:
    """Take what a worker has handed over."""
    if _KEY_OF_COSTS in output:
        config.stash[_COSTS] = config.stash.get(_COSTS, Costs()) + Costs(**output[_KEY_OF_COSTS])
        config.stash.setdefault(_NOTES, []).extend(output[_KEY_OF_NOTES])


def summarise(terminal: Any, config: pytest.Config) -> None:
    """Say what isn't known of what ran on the workspace, and what it cost."""
    remote = remote_if_used(config)
    own_notes, own_costs = (remote.notes, remote.costs) if remote is not None else ((), Costs())
    notes = [*own_notes, *config.stash.get(_NOTES, [])]
    summarise_notes(terminal, notes, is_whole=config.getoption("verbose") > 0)
    if text := str(own_costs + config.stash.get(_COSTS, Costs())):
        terminal.write_line(f"on the workspace: {text}")
