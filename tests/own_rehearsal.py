"""A workspace on this machine for the tests of one file."""

from __future__ import annotations

import os

import pytest

from harness.rehearsal import control
from harness.settings import Settings


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory):
    """A workspace of this file's own, with nothing in it yet."""
    running = control.start(Settings(str(tmp_path_factory.mktemp("project"))), owner=os.getpid())
    yield running
    control.stop(running)
