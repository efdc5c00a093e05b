"""What the parity tests share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def root():
    """The repository's root."""
    return Path(__file__).parents[2]
