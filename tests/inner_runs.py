"""How the runs of pytest begin that tests start."""

from __future__ import annotations

ADDOPTS = "-p no:hypothesispytest -p no:anyio"
"""For ``PYTEST_ADDOPTS``: without plugins that no such run has a use for; their import is half of what a small one takes."""
