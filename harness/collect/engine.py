"""The run's Spark session, for the hooks and fixtures that share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness.spark.connect import ConnectSession
    from harness.spark.local import LocalSession

SPARK: pytest.StashKey[ConnectSession | LocalSession] = pytest.StashKey()
"""In ``config.stash`` while the fixture ``spark`` is set up."""
