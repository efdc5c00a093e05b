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


def driver(rehearsal):
    """What drives it: ``call(method, subject, **body)`` gives the answer of its own routes."""
    import requests  # not on the Pythons that run without a workspace

    def call(method, subject, **body):
        headers = {"Authorization": f"Bearer {rehearsal.token}"}
        answer = requests.request(
            method, f"{rehearsal.host}/rehearsal/{subject}", json=body, headers=headers, verify=str(rehearsal.ca), timeout=20
        )
        assert answer.ok, answer.text
        return answer.json()

    return call
