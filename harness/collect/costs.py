"""What a run cost on a workspace, said once at its end for all of its processes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from harness.collect.remote import remote_if_used
from harness.remote.costs import Costs

if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_WORKERS: pytest.StashKey[Costs] = pytest.StashKey()
_KEY = "nbh_costs"


def send(config: pytest.Config) -> None:
    """Hand what a worker's runs cost to the process that tells of it."""
    if hasattr(config, "workeroutput"):
        config.workeroutput[_KEY] = asdict(_own(config))


def receive(config: pytest.Config, output: Mapping[str, Any]) -> None:
    """Take what a worker's runs cost."""
    if _KEY in output:
        config.stash[_OF_WORKERS] = config.stash.get(_OF_WORKERS, Costs()) + Costs(**output[_KEY])


def summarise(terminal: Any, config: pytest.Config) -> None:
    """Say what the run cost on the workspace."""
    costs = _own(config) + config.stash.get(_OF_WORKERS, Costs())
    if text := str(costs):
        terminal.write_line(f"on the workspace: {text}")


def _own(config: pytest.Config) -> Costs:
    remote = remote_if_used(config)
    return remote.costs if remote is not None else Costs()
